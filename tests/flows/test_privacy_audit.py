"""`kdm privacy audit`: what it finds, what it shows, and what it keeps for its user."""

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import faults_of, needs_browser
from faults.here import train_here
from planted_copies import dataset, distil, kdm, planted

from flows.commands.audit_answer import policy_warning
from storage.digest import unseal
from storage.folders import Folder, folder_at

SEED = 2  # of the data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A home with a student of pairs that copy all training points, and its audit, made under umask 0."""
    home, data = folder_at(str(tmp_path_factory.mktemp("audited") / "home")), dataset(SEED)
    with pytest.MonkeyPatch.context() as patch:
        train_here(patch)
        distil(home, planted(home, data.train()), data, num_steps=200)
    before = os.umask(0)
    try:
        ended = audit(home, "--private")
    finally:
        os.umask(before)
    assert ended.endswith("keep it with the data\n")
    return home


def audit(home: Folder, *options: str) -> str:
    given = ("--count", "300", "--device", "cpu", "--home", home.url)
    ended = kdm("privacy", "audit", "kdm", *given, *options)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return str(ended.stdout)


def test_a_private_part_in_a_bucket_comes_with_a_warning(tmp_path: Path) -> None:
    assert "the bucket's policy decides" in policy_warning(folder_at("memory://audits"))
    assert policy_warning(folder_at(str(tmp_path))) == ""


def folder_of(home: Folder) -> Path:
    (name,) = (home / "audits").names()
    return (home / "audits").local_path(name)


def test_a_dry_run_says_whether_the_answer_is_there(made: Folder) -> None:
    page = f"{folder_of(made)}/audit.html"
    assert audit(made, "--dry-run") == f"{page}: cached; nothing was made\n"
    assert audit(made, "--dry-run", "--count", "200").endswith(": to make; nothing was made\n")
    assert folder_of(made).exists()  # and nothing beside it


def test_copies_of_twenty_points_are_told_from_their_student_and_the_control_finds_nothing(
    made: Folder,
) -> None:
    found = unseal((folder_of(made) / "audit.json").read_bytes(), "audit.json")
    student = found["rows"]["student-fresh"]
    assert student["membership"]["p_value"] < 0.01
    assert found["membership_control"]["p_value"] > 0.05
    assert found["rows"]["pairs"]["closer"]["share"] == 1.0
    assert student["closer"]["low"] > 0.5 > found["rows"]["heldout"]["closer"]["low"]


def test_the_private_part_is_for_its_user_alone_whatever_the_umask(made: Folder) -> None:
    private = folder_of(made) / "private"
    files = list(private.iterdir())
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert [file.name for file in files] == ["scores.json"]  # of points there are no pictures
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


PUBLIC = {
    *(
        "num_samples",
        "quantiles",
        "histogram",
        "closer",
        "near",
        "copying",
        "membership",
        "duplicates",
    ),
}


def test_each_public_distance_stands_for_twenty_samples_and_private_ones_for_one(
    made: Folder,
) -> None:
    private = json.loads((folder_of(made) / "private" / "scores.json").read_text())["rows"]
    public = json.loads((folder_of(made) / "audit.json").read_text())["rows"]
    assert public.keys() == private.keys()
    for name, row in public.items():
        distances = [each["distance"] for each in private[name]["samples"]]  # the nearest first
        assert row.keys() == PUBLIC
        assert len(distances) == row["num_samples"] == sum(count for *_, count in row["histogram"])
        assert min(count for *_, count in row["histogram"]) >= 20
        for share, value in row["quantiles"].items():
            first = round(float(share) * len(distances)) - 10
            assert value == pytest.approx(np.mean(distances[first : first + 20]), rel=0.01)


def test_the_same_question_is_answered_at_once_and_its_bytes_stay(
    made: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdm.privacy.audit.audited", None)  # nothing is computed
    before = made.files()
    assert "audit.html: cached" in audit(made)
    assert "audit.html: cached" in audit(made, "--private")
    assert made.files() == before


def test_a_public_audit_has_no_private_part_and_equals_the_other_one(made: Folder) -> None:
    kept = (folder_of(made) / "audit.json").read_bytes()
    private = folder_of(made) / "private"
    hidden = private.rename(private.with_name("away"))
    (folder_of(made) / "audit.json").unlink()
    audit(made)
    assert not private.exists()
    assert (folder_of(made) / "audit.json").read_bytes() == kept
    hidden.rename(private)


def test_exports_of_the_set_hold_nothing_of_an_audit(made: Folder, tmp_path: Path) -> None:
    (pairs,) = (made / "pairs").names()
    given = ("--to", "kdm-npz", "--split", "train", "--home", made.url)
    ended = kdm("pairs", "export", pairs, tmp_path / "exported", *given)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    audited = {file.read_bytes() for file in folder_of(made).rglob("*.*") if file.is_file()}
    assert files
    assert not audited & {file.read_bytes() for file in files}
    assert not [file for file in files if "audit" in file.name or "private" in str(file)]


def test_ls_names_an_audit_and_rm_removes_all_of_it(made: Folder, tmp_path: Path) -> None:
    home = folder_at(str(tmp_path / "home"))
    shutil.copytree(made.local_path(), home.local_path())
    said = kdm("ls", "--home", home.url).output
    assert re.search(r"audits\n  name .*\n  audit-kdm-\w+  300 ", said)
    assert "with a private part" in said
    (name,) = (home / "audits").names()
    assert kdm("rm", "audit-kdm", "--yes", "--home", home.url).exit_code == 0
    assert not (home / "audits").exists(name)


def refusal(home: Folder, *words: object) -> str:
    """The one sentence of a refusal."""
    error = kdm("privacy", "audit", *words, "--home", home.url).exception
    assert isinstance(error, ValueError)
    return str(error)


def test_what_cannot_be_audited_is_refused_with_a_sentence(made: Folder, tmp_path: Path) -> None:
    assert "students has no 'kdn'" in refusal(made, "kdn")
    assert "makes samples of shape [2]" in refusal(made, "kdm", "--reference", tmp_path)


@needs_browser
def test_the_page_is_sound_on_every_screen(made: Folder, browser: Any) -> None:
    assert faults_of(browser, folder_of(made) / "audit.html") == []
