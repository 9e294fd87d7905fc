"""`kdm rm`: only what `ls` lists goes, and only where nothing rests on it or nobody could tell."""

import json
import os
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import Finished
from faults.digests import digests_of
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.resting import resting_on
from storage.digest import seal, unseal
from storage.errors import StoreError
from storage.folders import folder_at


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home")


def thing(home: Path, kind: str) -> str:
    (found,) = (each.name for each in (home / kind).iterdir() if each.is_dir())
    return found


def rm(home: Path, name: str, *options: str) -> str:
    ended = CliRunner().invoke(app, ["rm", name, "--yes", "--home", str(home), *options])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


def refused(home: Path, name: str) -> str:
    """The sentence of a refusal, which leaves all as it is."""
    before = sorted(home.rglob("*"))
    error = CliRunner().invoke(app, ["rm", name, "--yes", "--home", str(home)]).exception
    assert isinstance(error, ValueError | StoreError)
    assert sorted(home.rglob("*")) == before
    return str(error)


@pytest.mark.parametrize("form", ["{}", "teachers/{}", "teachers/{}/", "{}/"])
def test_a_teacher_stays_in_whatever_form_its_name_is_given(
    home: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)  # where a shell completes the name of the folder
    said = refused(home, form.format(thing(home, "teachers")))
    assert f"pairs/{thing(home, 'pairs')} depend on" in said


@pytest.mark.parametrize(
    "form",
    [
        *(
            "reports/x/history",
            "reports/history",
            "reports/../pairs/{}",
            "students/{home}/pairs/{}",
        ),
        *("./pairs/{}", "{home}/pairs/{}", "pairs/{}/train", "pairs", "pairs/", "", "/", "."),
    ],
)
def test_what_is_no_name_in_ls_is_refused(home: Path, form: str) -> None:
    assert refused(home, form.format(thing(home, "pairs"), home=home))


def test_a_path_to_another_home_removes_nothing_there(home: Path, finished: Finished) -> None:
    there = finished.path / "students" / thing(finished.path, "students")
    for name in (f"students/{there}", f"students//{there}", str(there), f"students/{there}/"):
        refused(home, name)
    assert digests_of(finished.path) == finished.digests


def test_a_link_goes_and_what_it_leads_to_stays(home: Path, tmp_path: Path) -> None:
    student = home / "students" / thing(home, "students")
    student.rename(tmp_path / "elsewhere")
    student.symlink_to(tmp_path / "elsewhere")
    rm(home, f"students/{student.name}/")
    assert not os.path.lexists(student)
    assert (tmp_path / "elsewhere" / "config.json").exists()


def test_a_report_without_its_page_is_listed_and_can_be_removed(home: Path) -> None:
    name = next((home / "reports").glob("tiny-*")).name
    (home / "reports" / name / "report.html").unlink()
    said = CliRunner().invoke(app, ["ls", "--home", str(home)]).output
    assert any(line.startswith(f"  {name}  ") and "none yet" in line for line in said.splitlines())
    rm(home, f"reports/{name}/")
    assert not (home / "reports" / name).exists()


@pytest.mark.parametrize("job", ["{}", "{", "[]", '{"source": 1}', None, "folder"])
def test_pairs_stay_where_a_students_job_cannot_be_read(home: Path, job: str | None) -> None:
    student = home / "students" / thing(home, "students")
    (student / "job.json").unlink()
    if job == "folder":
        (student / "job.json").mkdir()
    elif job is not None:
        (student / "job.json").write_text(job)
    said = refused(home, f"pairs/{thing(home, 'pairs')}")
    assert f"students/{student.name} depend on" in said
    assert f"{student}/job.json" in said


def unfinished(home: Path) -> Path:
    """The student as it is before its training is done."""
    student = home / "students" / thing(home, "students")
    (student / "config.json").unlink()
    return student


def test_pairs_stay_where_a_checkpoint_says_that_it_learned_from_them(home: Path) -> None:
    student = unfinished(home)
    (student / "job.json").unlink()
    assert f"students/{student.name} depend on" in refused(home, f"pairs/{thing(home, 'pairs')}")


@pytest.mark.parametrize(
    ("file", "data"),
    [("config.json", b"{"), ("config.json", b"{}"), ("config.json", None), ("job.json", b"{}")],
)
def test_where_nobody_can_tell_what_rests_on_pairs_they_stay(
    home: Path, file: str, data: bytes | None
) -> None:
    student = unfinished(home)
    for each in (student / "checkpoints").iterdir():
        each.unlink()
    (student / "job.json").unlink()
    if data is None:
        (student / file).mkdir()
    else:
        (student / file).write_bytes(data)
    said = refused(home, f"pairs/{thing(home, 'pairs')}")
    assert said.startswith("it isn't clear what depends on pairs/")
    assert f"{student}/{file}" in said


def test_pairs_whose_manifests_are_gone_are_still_rested_on(home: Path) -> None:
    pairs = home / "pairs" / thing(home, "pairs")
    for manifest in pairs.glob("*/*/manifests/*.json"):
        manifest.unlink()
    assert "depend on" in refused(home, pairs.name)
    (home / "students" / thing(home, "students") / "job.json").write_text("{}")
    assert "it isn't clear" in refused(home, pairs.name)


def test_a_student_of_other_pairs_is_no_hindrance_whatever_its_job_says(home: Path) -> None:
    student = home / "students" / thing(home, "students")
    config = unseal((student / "config.json").read_bytes(), "config.json")
    config["identity"]["source"]["content"] = "0" * 64
    (student / "config.json").write_bytes(seal({k: v for k, v in config.items() if k != "digest"}))
    job = json.loads((student / "job.json").read_text())
    job["source"]["url"] = "/elsewhere/pairs/other-0123456789ab"
    (student / "job.json").write_text(json.dumps(job))
    rm(home, f"pairs/{thing(home, 'pairs')}")


@pytest.mark.parametrize("data", [b"{}", b"{", None])
def test_a_teacher_stays_where_a_spec_cannot_be_read(home: Path, data: bytes | None) -> None:
    spec = home / "pairs" / thing(home, "pairs") / "spec.json"
    spec.unlink()
    if data is not None:
        spec.write_bytes(data)
    assert str(spec) in refused(home, f"teachers/{thing(home, 'teachers')}")


def test_what_cannot_be_listed_leaves_it_open_what_rests(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listdir = os.listdir

    def broken(path: Path) -> list[str]:
        if Path(path).name == "students":
            raise OSError(5, "Input/output error", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", broken)
    resting = resting_on(folder_at(str(home)), "pairs", thing(home, "pairs"))
    assert not resting.things
    assert f"{home}/students could not be listed (Input/output error)" in resting.faults[0]


def test_a_classifier_stays_where_a_students_numbers_name_it(home: Path) -> None:
    name = f"digits-{uuid4().hex[:12]}"
    (home / "classifiers" / name).mkdir(parents=True)
    metrics = home / "students" / thing(home, "students") / "metrics.json"
    document = unseal(metrics.read_bytes(), "metrics.json") | {"classifier": {"name": name}}
    metrics.write_bytes(seal({k: v for k, v in document.items() if k != "digest"}))
    assert f"students/{thing(home, 'students')} depend on" in refused(home, name)
    metrics.write_bytes(b"{")
    assert str(metrics) in refused(home, f"classifiers/{name}")
    metrics.unlink()
    rm(home, name)


def with_study(home: Path, data: bytes | None, digest: str = "0123456789ab") -> Path:
    """A study's folder in a home; None: without the document that is written last."""
    folder = home / "studies" / f"mine-on-tiny-{digest}"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<h1>mine</h1>")
    if data is not None:
        (folder / "numbers.json").write_bytes(data)
    return folder


WRITTEN = seal({"data": "tiny", "study": {"title": "Mine"}, "trials": [{"seed": 0}, {"seed": 1}]})


@pytest.mark.parametrize("form", ["mine-on-tiny", "studies/mine-on-tiny", "studies/{}/", "{}"])
def test_a_study_goes_alone_and_leaves_its_students_and_pairs(home: Path, form: str) -> None:
    before = digests_of(home)
    folder = with_study(home, WRITTEN)
    rm(home, form.format(folder.name))
    assert digests_of(home) == before
    assert not folder.exists()


@pytest.mark.parametrize("data", [WRITTEN, b"{", b"{}", None])
def test_a_study_keeps_no_student_just_as_a_report_keeps_none(
    home: Path, data: bytes | None
) -> None:
    folder, student = with_study(home, data), thing(home, "students")
    rm(home, f"students/{student}")
    assert (folder / "index.html").exists()
    rm(home, f"studies/{folder.name}")  # damaged or not, nothing depends on it


@pytest.mark.parametrize(
    "form", ["studies", "studies/", "studies/{}/numbers.json", "studies/../pairs", "analyses"]
)
def test_what_is_no_name_of_a_study_removes_nothing(home: Path, form: str) -> None:
    assert refused(home, form.format(with_study(home, WRITTEN).name))


def test_one_of_two_studies_of_a_name_must_be_named(home: Path) -> None:
    folder, other = with_study(home, WRITTEN), with_study(home, WRITTEN, "ba9876543210")
    assert f"studies/{folder.name} or studies/{other.name}" in refused(home, "mine-on-tiny")
