"""Every block of every page runs in a test, or says beside itself what it needs that a test doesn't have."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from page_blocks import PAGES, ROOT, SHELL, Block, blocks_of, shell_lines
from page_readers import RUN_IN_THE_SUITE, pages_of_the_trial
from test_snippets import named_by

from flows.config.load import load_recipe
from flows.config.recipe_files import read_recipe
from flows.settings import settings
from flows.study.study import Study
from pairgen.checkpoints.build_presets import preset_named
from storage.options import parse
from storage.yaml_text import read_yaml

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUN = {*SHELL, "python", "python runnable", "yaml", "toml"}
# What no machine of the tests has; another word here is a decision.
NEEDS = {
    *("Docker", "Kubernetes", "a cluster of Dask", "two machines"),
    *("a Prefect server", "an account at AWS", "a token of the real Hub", "a package index"),
    *("CIFAR-10's pictures", "weights of others", "answers of people", "packages of trackers"),
}
TYPED = re.compile(
    r"^\s*(?:\$ |kdm [a-z]|make |pip |python3? |pytest |\. |export |docker |kubectl )"
)


def named(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}:{block.line}"


def test_a_comment_excuses_its_block_or_the_lines_with_its_words(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    fence = "```"
    page.write_text(
        f"# A\n\n<!-- not run: s3:// needs a bucket; --ranks needs a GPU -->\n\n{fence}sh\n"
        f"# all\nkdm ls\nkdm run s3://b\nkdm run x --ranks 2\n{fence}\n\n"
        f"<!-- not run: needs Docker -->\n{fence}sh\ndocker build\n{fence}\n\n{fence}\nwords\n{fence}\n"
    )
    some, none, words = blocks_of(page)
    assert (some.line, some.to_run, shell_lines(page)) == (5, ["kdm ls"], ["kdm ls"])
    assert (none.to_run, none.excuses) == ([], {"": "Docker"})
    assert (words.kind, words.excuses) == ("", {})


def test_there_are_as_many_blocks_as_pairs_of_fences() -> None:
    for page in PAGES:
        fences = re.findall(r"^`{3,}", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(blocks_of(page)) * 2 == len(fences), page.name


def test_what_a_reader_types_is_in_a_block_that_runs() -> None:
    plain = [block for block in BLOCKS if block.kind not in RUN]
    assert {block.kind for block in plain} == {""}
    assert [named(block) for block in plain if any(map(TYPED.match, block.lines))] == []


def test_every_excuse_is_known_and_holds_for_a_line() -> None:
    for block in BLOCKS:
        assert {*block.excuses.values()} <= NEEDS, named(block)
        unused = [word for word in block.excuses if word not in block.text]
        assert unused == [], named(block)
        assert block.kind in RUN if block.excuses else True, named(block)


def test_every_page_with_blocks_to_run_has_a_test_that_runs_them() -> None:
    """Each of them takes its lines from the page, so that a new line is run without an edit of the test."""
    typed = {page.name for page in PAGES if shell_lines(page)}
    trial = {page.name for page in pages_of_the_trial()}
    assert typed <= trial | RUN_IN_THE_SUITE.keys()
    for page, file in RUN_IN_THE_SUITE.items():
        assert f'"{page}"' in (ROOT / file).read_text(encoding="utf-8"), file
    for block in BLOCKS:
        is_python = block.kind == "python" and not block.excuses
        assert not is_python or block.page.name in trial | RUN_IN_THE_SUITE.keys(), named(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_understood_by_its_own_parser(page: Path) -> None:
    """Those that aren't run as well: words, options and the kinds of their values."""
    lines = [line for block in blocks_of(page) if block.kind in SHELL for line in block.lines]
    for line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)
        if words[:1] == ["kdm"]:
            command, name, rest = named_by(words[1:])
            command.make_context(" ".join(name), rest, typer.Context(command))


# Parts of a recipe are read on top of one that has the rest.
BASES = {"docs/losses.md": "tiny", "docs/training.md": "tiny"}


def whole(part: dict[str, Any], page: str) -> dict[str, Any]:
    """A recipe with what the page shows of one."""
    if {"name", "pairs"} <= part.keys():
        return part
    recipe = read_recipe(BASES.get(page, "digits"))
    student = {"name": "kdm", "model": {"plugin": "kdm"}, "training": {"num_steps": 9}}
    if "distance" in part:
        part = {"students": [{**student, "model": {"plugin": "kdm", "losses": part}}]}
    elif "training" in part:
        part = {"students": [{**student, **part}]}
    elif "stored" in part.get("teacher", {}):  # its network is read at the home
        part = {"teacher": {**recipe["teacher"], **part["teacher"]}}
        del part["teacher"]["stored"], recipe["filters"]  # no filter may read what it learned from
    return {**recipe, **part}


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.kind == "yaml"], ids=named)
def test_yaml_is_read_by_what_it_is_for(block: Block, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(block.text)
    document = read_yaml(block.text.encode(), "a block")
    if "on" in document:
        assert parse(Study, document, "a study").on
    elif "precond" in document:
        assert preset_named(str(tmp_path / "mine.yaml"))
    else:
        page = str(block.page.relative_to(ROOT))
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(whole(document, page)))
        assert load_recipe(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.kind == "toml"], ids=named)
def test_toml_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


def test_settings_that_are_shown_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = (each for each in BLOCKS if each.kind == "toml" and each.page.name == "commands.md")
    (tmp_path / "config.toml").write_text(shown.text)
    monkeypatch.setenv("KDM_CONFIG", str(tmp_path / "config.toml"))
    assert settings().trackers == ("tensorboard",)
