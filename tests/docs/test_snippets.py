"""What the documentation shows works: its Python blocks, its links, its commands and its tables."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from conftest import Finished
from typer.core import TyperGroup

from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe_files import recipe_names
from storage.plugins import plugin_names
from storage.records import PairSchema

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
RECIPES = ROOT / "docs" / "recipes.md"
WITH_CODE = [page for page in PAGES if "```python runnable" in page.read_text()]
GROUPS = (
    "pairgen.teachers",
    "pairgen.samplers",
    "pairgen.filters",
    "kdm.students",
    "kdm.losses",
    "kdm.metrics",
)


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def run_blocks(page: Path) -> dict[str, Any]:
    """All runnable blocks of a page, one after the other, in one namespace."""
    names: dict[str, Any] = {}
    for block in blocks(page, "python runnable"):
        exec(compile(block, str(page), "exec"), names)
    return names


def commands() -> list[tuple[str, list[str]]]:
    """Every `kdm …` line of every shell block."""
    lines = [
        (page.name, line)
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.splitlines()
    ]
    return [(name, shlex.split(line, comments=True)) for name, line in lines if line[:4] == "kdm "]


@pytest.fixture
def beside_a_home(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    finished.copy(tmp_path / "kdm-home", "teachers", "students", "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_every_runnable_block_of_a_page_runs(page: Path, beside_a_home: Path) -> None:
    assert run_blocks(page)


def test_plain_tools_give_the_pairs_that_the_store_gives(beside_a_home: Path) -> None:
    names = run_blocks(ROOT / "docs" / "store.md")
    pairs = names["store"].load(len(names["index"]), masks=()).pairs
    assert np.array_equal(names["index"], pairs.index)
    assert np.array_equal(names["x_0"], pairs.x_0)
    assert np.array_equal(names["x_T"], pairs.x_T)
    kept, last = names["loaded"].pairs.index, names["records"][0]["last_index"]
    assert np.array_equal(names["kept_index"], kept[kept <= last])


def test_the_readme_derives_the_noise_that_the_store_derives(beside_a_home: Path) -> None:
    names, stored = run_blocks(ROOT / "README.md"), run_blocks(ROOT / "docs" / "store.md")
    pairs = stored["store"].load(len(stored["index"])).pairs
    assert np.array_equal(names["x_T"], pairs.x_T[-len(names["x_T"]) :])
    assert np.array_equal(names["x_0"], pairs.x_0[-len(names["x_0"]) :])


def test_the_student_that_is_shown_is_one() -> None:
    student = run_blocks(RECIPES)["Linear"]().build(PairSchema(shape=(2,)))
    assert student.generate(torch.zeros(5, 2)).shape == (5, 2)
    assert student.num_inference_parameters() == 6


def test_the_recipe_that_is_explained_is_one(tmp_path: Path) -> None:
    (block,) = blocks(RECIPES, "yaml")
    (tmp_path / "mine.yaml").write_text(block)
    assert load_recipe(str(tmp_path / "mine.yaml")).name == "my-recipe"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_and_option_that_is_shown_exists() -> None:
    assert commands()
    for page, (_, *words) in commands():
        command = typer.main.get_command(app)
        while isinstance(command, TyperGroup):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, (page, words)


def test_every_recipe_and_plugin_is_described() -> None:
    text = RECIPES.read_text()
    known = {*recipe_names(), *(name for group in GROUPS for name in plugin_names(group))}
    assert {name for name in known if f"`{name}`" not in text} == set()


def test_no_page_knows_a_path_of_a_machine() -> None:
    for page in PAGES:
        assert os.path.expanduser("~/") not in page.read_text()
        assert not re.search(r"(?<![\w.…/])/(work|tmp|home|root)/", page.read_text()), page.name
