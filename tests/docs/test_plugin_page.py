"""What docs/plugins.md shows works as a package of its own: contracts, recipes and all."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kdm, succeed
from installed_packages import install
from page_blocks import shell_lines

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "plugins.md"
PAGE = FILE.read_text()
LINE = re.compile(r'^`?([\w-]+) = "(?:\w+\.)+(\w+:\w+)"`?$', re.MULTILINE)
GROUPS = {
    "mean-distance": "kdm.metrics",
    "ralston": "pairgen.samplers",
    "far-off": "pairgen.filters",
    "affine": "kdm.students",
    "two-hills": "pairgen.teachers",
}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """The page's four files and their lines, installed outside the tree."""
    for module, written in zip(_files(), blocks("python"), strict=True):
        (tmp_path / module).write_text(written)
    lines = [f"[{GROUPS[name]}]\n{name} = {place}\n" for name, place in LINE.findall(PAGE)]
    install(tmp_path, "my-plugins", "".join(lines))
    return tmp_path


def _files() -> list[str]:
    """Where the page says each block goes, in its order."""
    return [Path(path).name for path in re.findall(r"`([\w/]+\.py)`(?:\*\*)?[:,]\n", PAGE)]


def test_every_plugin_that_is_shown_passes_the_contract_of_its_kind(packaged: Path) -> None:
    tests = re.findall(r"tests/contracts/\w+\.py", PAGE)
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-k", " or ".join(GROUPS)]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(packaged)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", ended.stdout)[1]) >= 50


def test_one_run_uses_every_plugin_that_is_shown(
    packaged: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(packaged))
    shown = [shlex.split(line) for line in "\n".join(blocks("sh")).splitlines()]
    settings = {words[-1]: "--set" for words in shown if words[:3] == ["kdm", "run", "tiny"]}
    home = finished.copy(packaged / "home", "pairs", "students", "reports")
    options = [word for setting, option in settings.items() for word in (option, setting)]
    ending = ("--student", "affine", "--until", "evaluate")
    said = succeed(kdm(home, *options, *ending)).said
    assert "mean distance" in said
    assert "far-off" in said
    assert list((home / "students").glob("affine-*"))
    assert any("two-hills" in each.read_text() for each in home.glob("pairs/*/spec.json"))


def test_no_other_commands_are_shown_than_those_that_are_run() -> None:
    run = ("pytest tests/contracts/", "kdm run tiny ")
    assert [line for line in shell_lines(FILE) if not line.startswith(run)] == []


def test_the_package_that_is_shown_registers_what_the_tree_would() -> None:
    (package,) = (block for block in blocks("toml") if block.startswith("[project]"))
    groups = tomllib.loads(package)["project"]["entry-points"]
    assert groups == {"kdm.metrics": {"mean-distance": "mean_distance:MeanDistance"}}


def test_forty_lines_take_a_reader_to_a_first_success() -> None:
    to_the_end_of_step_3 = PAGE[: PAGE.index("\nThe fields of the class")]
    seen = re.sub(r"<!--.*-->\n\n", "", to_the_end_of_step_3)
    assert len(seen.splitlines()) <= 40
