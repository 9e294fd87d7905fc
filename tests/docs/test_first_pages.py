"""What the tutorial and the page on sharing tell a reader to type works, on a recipe of seconds."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import KDM, finish, start
from test_snippets import run_blocks

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL, SHARING = DOCS / "tutorial.md", DOCS / "sharing.md"
# Of the tutorial's words, what makes the same happen in seconds: `tiny` has one student, and no labels.
SHORTER = {
    "digits": "tiny",
    "regression": "kdm",
    "--label all": "",
    "num_steps=800": "num_steps=20",
}


def typed(page: Path) -> list[str]:
    """The `kdm` lines of a page's shell blocks that are to be run."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line[:4] == "kdm "]


def said_by(line: str, home: Path) -> str:
    """What a command printed, which must have succeeded; it runs beside the home."""
    words = shlex.split(line.partition(" > ")[0], comments=True)
    ended = finish(start([KDM, *words[1:]], {"KDM_HOME": str(home)}, cwd=home.parent))
    assert ended.code == 0, f"{line}\n{ended.said[-2000:]}"
    return ended.said


def test_a_reader_of_the_tutorial_sees_each_command_succeed(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.copy(tmp_path / "home")
    said = []
    for line in typed(TUTORIAL):
        for long, short in SHORTER.items():
            line = line.replace(long, short)
        said.append(said_by(line, home))
    assert len(said) == 12
    assert said[1].count(" cached") >= 6
    assert (tmp_path / "tiny.png").is_file()
    assert len(list((home / "students").iterdir())) == 2
    monkeypatch.setenv("KDM_HOME", str(home))
    assert len(run_blocks(TUTORIAL)["pairs"]) > 400


def test_a_set_is_checked_and_exported_as_the_page_on_sharing_says(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    (decision,) = {each.name for each in home.glob("pairs/*/train/*/masks/*/decisions/*")}
    meant = {"PAIRS": "tiny", "DECISION": decision, "digits": "tiny", "regression": "kdm"}
    meant["--direct"] = "--direct --set students.kdm.training.num_steps=20"
    others = ("import", "kdm-npz", "png")  # of pictures, or of sets that a home lacks
    lines = [line for line in typed(SHARING) if not any(word in line for word in others)]
    for line in lines:
        for word, own in meant.items():
            line = line.replace(word, own)
        said_by(line, home)
    assert len(lines) == 6
    assert list(home.glob("pairs/*/purges/000001"))
    assert list(tmp_path.glob("FOLDER/train-*.tar"))
