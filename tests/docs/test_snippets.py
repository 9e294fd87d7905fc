"""What the documentation shows works: its Python blocks, its links, its commands and its tables."""

import functools
import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from click import Command
from conftest import Finished
from page_blocks import PAGES, ROOT
from typer.core import TyperGroup

from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe_files import recipe_names
from storage.plugins import plugin_names

RECIPES = ROOT / "docs" / "recipes.md"
READING = ROOT / "docs" / "reading.md"
COMMANDS = ROOT / "docs" / "commands.md"
INDEX = ROOT / "docs" / "README.md"
ABSENT = re.compile(
    r"kdm\.md|STORE\.md|LAYOUT\.md|HOUSE_STYLE|ENGLISH\.md|\b(?:shared|reference|design|seeds)/"
)
RIDDLES = re.compile(
    r"\b(?:in place of|likewise|besides|left-overs?|anew|all the same|hangs? on|in the midst|is there for"
    r"|whoever|is said first|others? have trained|is told|lies below|rests? on|near at hand)\b"
)
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


def run_blocks(page: Path, which: slice = slice(None)) -> dict[str, Any]:
    """These runnable blocks of a page, one after the other, in one namespace."""
    names: dict[str, Any] = {}
    for block in blocks(page, "python runnable")[which]:
        exec(compile(block, str(page), "exec"), names)
    return names


def commands(page: Path) -> list[list[str]]:
    """Every `kdm …` line of a page's shell blocks, as words without `kdm`."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line[:4] == "kdm "]


@functools.cache
def command_line() -> Command:
    """`kdm` with all its commands, which take thirty milliseconds to be made."""
    return typer.main.get_command(app)


def named_by(words: list[str]) -> tuple[Command, list[str], list[str]]:
    """The command that the words begin with, its name in full, and the rest of the words."""
    command, name, rest = command_line(), [], words
    while isinstance(command, TyperGroup):
        _, command, rest = command.resolve_command(typer.Context(command), rest)
        name.append(command.name)  # a study is a word for another command
    return command, name, rest


def command_names(group: Command, name: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Of every command below a group."""
    if not isinstance(group, TyperGroup):
        return {name}
    found = (command_names(each, (*name, word)) for word, each in group.commands.items())
    return set().union(*found)


@pytest.fixture
def beside_a_home(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    finished.copy(tmp_path / "kdm-home", "teachers", "students", "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_every_runnable_block_of_a_page_runs(page: Path, beside_a_home: Path) -> None:
    assert run_blocks(page)


def test_plain_tools_give_the_pairs_that_the_store_gives(beside_a_home: Path) -> None:
    names = run_blocks(READING)
    pairs = names["store"].load(len(names["index"]), masks=()).pairs
    assert np.array_equal(names["index"], pairs.index)
    assert np.array_equal(names["x_0"], pairs.x_0)
    assert np.array_equal(names["x_T"], pairs.x_T)
    kept, last = names["loaded"].pairs.index, names["records"][0]["last_index"]
    assert np.array_equal(names["kept_index"], kept[kept <= last])


def test_the_one_script_derives_the_noise_that_the_store_derives(beside_a_home: Path) -> None:
    names, stored = run_blocks(READING, slice(1)), run_blocks(READING)
    pairs = stored["store"].load(len(stored["index"])).pairs
    assert np.array_equal(names["x_T"], pairs.x_T[-len(names["x_T"]) :])
    assert np.array_equal(names["x_0"], pairs.x_0[-len(names["x_0"]) :])


def test_the_recipe_that_is_explained_is_one(tmp_path: Path) -> None:
    (block,) = blocks(RECIPES, "yaml")
    (tmp_path / "mine.yaml").write_text(block)
    assert load_recipe(str(tmp_path / "mine.yaml")).name == "my-recipe"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"(?:\]\(|src=\")(?!https?:|#)([^)#\"]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_code_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:kdm|pairgen|storage|flows|tests)/[\w/]+\.\w+)`", page.read_text())
    is_to_be_written = re.findall(r"`([\w/]+\.py)`(?:\*\*)?[:,]\n", page.read_text())
    assert {each for each in named if not (ROOT / each).exists()} <= {*is_to_be_written}


def test_the_index_lists_every_page_once() -> None:
    listed = re.findall(r"^\| \[[\w-]+\.md\]\(([\w-]+\.md)\)", INDEX.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(
        page.name for page in INDEX.parent.glob("*.md") if page != INDEX
    )


def test_the_reference_shows_every_command() -> None:
    shown = {tuple(named_by(words)[1]) for words in commands(COMMANDS)}
    assert command_names(command_line()) == shown


def test_every_recipe_is_described_and_every_plugin_that_is_described_exists() -> None:
    """Not the other way round for plugins: to add one takes a file and a line, and no other edit."""
    text = RECIPES.read_text()
    assert [name for name in recipe_names() if f"| `{name}` |" not in text] == []
    described = dict(re.findall(r"^\| \w+ \| `([\w.]+)` \| (.+) \|$", text, re.MULTILINE))
    assert described.keys() >= {*GROUPS}
    for group, names in described.items():
        assert {*re.findall(r"`([\w-]+)`", names)} <= {*plugin_names(group)}, group


def test_no_page_cites_a_document_that_a_clone_lacks() -> None:
    assert {page.name: found for page in PAGES if (found := ABSENT.findall(page.read_text()))} == {}


def test_pages_are_in_plain_english() -> None:
    """Phrases that readers stumbled over: say who does what, in common words."""
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    assert {
        page.name: found for page in pages if (found := RIDDLES.findall(page.read_text()))
    } == {}


def test_no_page_knows_a_path_of_a_machine() -> None:
    for page in PAGES:
        assert os.path.expanduser("~/") not in page.read_text()
        assert not re.search(r"(?<![\w.…/])/(work|tmp|home|root)/", page.read_text()), page.name
