"""What the first pages tell a reader to type works, on a recipe of seconds: tutorial, sharing, resuming."""

import os
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import Finished
from faults.commands import KDM, Ended, finish, start
from faults.digests import assert_equal, digests_of
from local_prefect import wait_for
from page_blocks import blocks_of, shell_lines
from picture_pairs import filled, name_of

from storage.folders import folder_at

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL, SHARING, RESUMING = (DOCS / name for name in ("tutorial.md", "sharing.md", "resuming.md"))
# Of the tutorial's words, what makes the same happen in seconds: `tiny` has one student, and no labels.
SHORTER = {
    "digits": "tiny",
    "regression": "kdm",
    "--label all": "",
    "num_steps=800": "num_steps=20",
    "num_steps=2000": "num_steps=400",
}

FORMS = {"per-sample": "per-sample/train-*.tar", "kdm-npz": "kdm-npz/*", "png": "png/*.png"}


def typed(page: Path, words: dict[str, str]) -> list[str]:
    """What a reader of a page types, with words of the reader's own."""
    lines = [line for line in shell_lines(page) if not line.startswith("export KDM_HOME")]
    for word, own in words.items():
        lines = [line.replace(word, own) for line in lines]
    return lines


def command(line: str) -> list[str]:
    words = shlex.split(line.partition(" > ")[0], comments=True)
    assert words[0] == "kdm", line
    return [KDM, *words[1:]]


def said_by(line: str, home: Path) -> str:
    """What a command printed, which must have succeeded; it runs beside the home."""
    ended = finish(start(command(line), {"KDM_HOME": str(home)}, cwd=home.parent))
    assert ended.code == 0, f"{line}\n{ended.said[-2000:]}"
    return ended.said


def stopped_in_training(line: str, home: Path) -> Ended:
    """How a command ended for which Ctrl-C was pressed once its training had written a checkpoint."""
    before = {*home.glob("students/*/checkpoints/*")}
    process = start(command(line), {"KDM_HOME": str(home)}, cwd=home.parent)
    wait_for(
        lambda: bool({*home.glob("students/*/checkpoints/*")} - before),
        seconds=100,
        every=0.01,
    )
    os.killpg(process.pid, signal.SIGINT)
    return finish(process)


def test_a_reader_of_the_tutorial_sees_each_command_succeed(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.copy(tmp_path / "home")
    *lines, stopped = typed(TUTORIAL, SHORTER)
    said = [said_by(line, home) for line in lines]
    assert len(said) == 12
    assert said[1].count(" cached") >= 6
    assert (tmp_path / "tiny.png").is_file()
    assert len(list((home / "students").iterdir())) == 2
    assert stopped_in_training(stopped, home).code == 130
    assert "num_steps=400" in stopped
    assert " done" in said_by(stopped, home)
    (python,) = (block.text for block in blocks_of(TUTORIAL) if block.kind == "python")
    names: dict[str, Any] = {}
    monkeypatch.setenv("KDM_HOME", str(home))
    exec(python.replace("digits", "tiny").replace(".label[:10]", ".label"), names)  # it has none
    assert len(names["few"].x_T) > 400


def test_a_run_that_is_stopped_goes_on_as_the_page_on_resuming_says(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students", "reports")
    words = {"tiny": "tiny --direct", "num_steps=400": "num_steps=20"}
    first, again, *more = typed(RESUMING, words)
    stopped = stopped_in_training(first, home)
    assert (stopped.code, len(list((home / "reports").glob("tiny-*")))) == (130, 0)
    said_by(again, home)
    assert_equal(digests_of(home), finished.digests)
    for line in more:
        said_by(line, home)
    assert (len(more), len(list((home / "students").iterdir()))) == (2, 2)


def test_a_set_is_checked_and_exported_as_the_page_on_sharing_says(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    for split in ("train", "heldout"):
        filled(folder_at(str(home / "pairs" / name_of(has_labels=False))), split, has_labels=False)
    (decision,) = {each.name for each in home.glob("pairs/*/train/*/masks/*/decisions/*")}
    pictures = {f"PAIRS FOLDER --to {form}": f"tiny-pictures {form} --to {form}" for form in FORMS}
    own = {"FOLDER --name NAME": "kdm-npz --name theirs", "DECISION": decision, "digits": "tiny"}
    quick = "--direct --set students.kdm.training.num_steps=20"
    tiny = {"PAIRS": "tiny", "regression": "kdm", "--direct": quick}
    lines = typed(SHARING, {**pictures, **own, **tiny})
    for line in lines:
        said_by(line, home)
    assert len(lines) == 9
    assert list(home.glob("pairs/tiny-*/purges/000001"))
    assert list(home.glob("pairs/theirs-*"))
    assert [bool(list(tmp_path.glob(each))) for each in FORMS.values()] == [True] * len(FORMS)
