"""A home of version 0.1 opens for ever: its teachers, students, decisions and sets (tests/golden)."""

import hashlib
import json
from typing import Any

import pytest
from frozen_home import (
    FROZEN,
    LAYOUTS,
    kept_indices,
    student_values,
    teacher_values,
    unpacked,
)

from flows.commands.ls import ls
from storage.care.verify import faults
from storage.folders import Folder, folder_at
from storage.masks import Mask
from storage.store import PairStore

KINDS = {"kdm", "kdm-f", "kdm-t", "regression", "get", "reflow", "mean-flow"}
NEARLY = 1e-4  # of the values' size; processors and versions of torch add in other orders


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return folder_at(str(unpacked(tmp_path_factory.mktemp("frozen"))))


@pytest.fixture(scope="module")
def expected(frozen: Folder) -> dict[str, Any]:
    return json.loads(frozen.read("expected.json"))


def the_set(frozen: Folder, name: str) -> Folder:
    (found,) = (each for each in (frozen / "pairs").names() if each.startswith(name))
    return frozen / "pairs" / found


def close(values: list[float]) -> Any:
    return pytest.approx(values, rel=NEARLY, abs=NEARLY * max(map(abs, values)))


def test_teachers_of_old_give_what_they_gave(frozen: Folder, expected: dict[str, Any]) -> None:
    for name, values in expected["teachers"].items():
        assert teacher_values(frozen / "teachers" / name) == close(values)


def test_students_of_old_give_what_they_gave(frozen: Folder, expected: dict[str, Any]) -> None:
    students = frozen / "students"
    found = {name: student_values(students / name) for name in students.names()}
    assert found == {name: close(values) for name, values in expected["students"].items()}
    for name, values in expected["best"].items():
        assert student_values(students / name, "best") == close(values)


def test_a_student_of_every_kind_of_then_is_there(frozen: Folder) -> None:
    students = frozen / "students"
    configs = [json.loads(students.read(f"{name}/config.json")) for name in students.names()]
    assert {each["model"]["plugin"] for each in configs} == KINDS


@pytest.mark.parametrize("layout", LAYOUTS)
def test_decisions_of_a_policy_of_old_leave_what_they_left(
    frozen: Folder, expected: dict[str, Any], layout: str
) -> None:
    pairs, masks = the_set(frozen, "frozen-"), [Mask(**each) for each in expected["masks"]]
    kept = {split: kept_indices(pairs, split, layout, masks) for split in ("train", "heldout")}
    assert kept == expected["kept"]
    assert len(kept["heldout"]) < 32


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_set_that_was_purged_of_old_verifies(
    frozen: Folder, expected: dict[str, Any], layout: str
) -> None:
    pairs = the_set(frozen, "purged-")
    assert kept_indices(pairs, "train", layout) == expected["purged"]
    assert len(expected["purged"]) == 24
    assert faults(PairStore.open(pairs, split="train", layout=layout), deep=True) == []


def test_everything_of_old_is_listed_as_finished(
    frozen: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    ls(frozen.url, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    states = {
        (kind, each["state"]) for kind in ("teachers", "students", "pairs") for each in listed[kind]
    }
    assert states == {("teachers", "finished"), ("students", "finished"), ("pairs", "readable")}


def test_the_frozen_home_was_never_touched() -> None:
    assert (
        hashlib.sha256(FROZEN.read_bytes()).hexdigest()
        == "1cd425690927d48bf0af6b6021c471d3743f11d7708b499a878b14cfd33bc0ea"
    )
