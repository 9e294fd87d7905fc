"""A whole home on S3: the same names and digests as on a disk, whatever was killed on the way."""

import os
import re
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import CANARY, Finished
from faults.commands import kdm, kill_tree, run, start
from faults.digests import assert_equal, digests_of
from faults.here import without_galleries
from faults.proxy import endpoint_at, faulty
from typer.testing import CliRunner

from flows.cli import app
from storage.errors import StoreError
from storage.folders import Folder, folder_at


@pytest.fixture
def remote(s3: str) -> Folder:
    return folder_at(f"{s3}/{uuid4().hex}")


def copied(source: Folder, target: Folder) -> None:
    names = list(source.files())
    for name, data in zip(names, source.read_many(names), strict=True):
        target.replace(name, data)


def test_a_run_killed_and_resumed_on_s3_ends_as_one_on_a_disk(
    finished: Finished, remote: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_galleries(monkeypatch)
    copied(folder_at(str(finished.path / "teachers")), remote / "teachers")
    process = start(kdm(remote.url))
    assert process.stdout is not None
    assert any(re.match(r"generate-pairs .* 256/2,048 pairs", line) for line in process.stdout)
    kill_tree(process)
    ended = CliRunner().invoke(app, kdm(remote.url)[1:])
    assert ended.exit_code == 0, ended.exception
    local = folder_at(str(tmp_path / "home"))
    copied(remote, local)
    assert_equal(digests_of(local.path), finished.digests)
    assert CANARY not in ended.output
    assert not [name for name in local.files() if CANARY.encode() in local.read(name)]


def test_a_home_that_was_copied_to_s3_is_found_finished_by_every_command(
    finished: Finished, remote: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    copied(folder_at(str(finished.path)), remote)
    before = remote.files()
    through_prefect = [word for word in kdm(remote.url)[1:] if word != "--direct"]
    assert CliRunner().invoke(app, through_prefect).output.count("cached") == 6
    assert remote.files() == before


@pytest.fixture(scope="module")
def finished_on_s3(finished: Finished, s3: str) -> Folder:
    home = folder_at(f"{s3}/{uuid4().hex}")
    copied(folder_at(str(finished.path)), home)
    return home


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ls"], r"  train/wds-256  +2,048  +2,0\d\d  +\d+ "),
        (["pairs", "verify", "tiny"], r"train/wds-256: 8 shards sound"),
        (["pairs", "show", "tiny"], r"plugin: midpoint"),
        (["pairs", "show", "URL"], r"folder: s3://.*/pairs/tiny-"),
        (["sample", "kdm", "-n", "1"], r"^-?\d+\.\d+ -?\d+\.\d+\n$"),
        (["eval-report", "--direct"], r"report: s3://.*/report.html"),
        (["rm", "students/kdm", "--yes"], r"removed s3://.*/students/kdm-"),
    ],
)
def test_what_looks_into_a_home_looks_into_one_on_s3(
    finished_on_s3: Folder, words: list[str], says: str
) -> None:
    pairs = finished_on_s3 / "pairs"
    given = [f"{pairs.url}/{pairs.names()[0]}" if word == "URL" else word for word in words]
    ended = CliRunner().invoke(app, [*given, "--home", finished_on_s3.url])
    assert re.search(says, ended.output)
    assert ended.exit_code == 0


def refused(*words: str) -> str:
    """The sentence that the command ends with in this process."""
    error = CliRunner().invoke(app, list(words)).exception
    assert isinstance(error, ValueError | StoreError)
    return str(error)


@pytest.mark.parametrize("words", [["ls"], ["generate-pairs", "tiny"], ["pairs", "verify", "tiny"]])
def test_a_home_that_ends_with_its_process_is_refused(words: list[str]) -> None:
    assert "a home at memory:// ends with its process" in refused(*words, "--home", "memory://x")


@pytest.mark.parametrize(
    "words", [["ls"], ["run", "tiny", "--direct"], ["eval-report", "--direct"]]
)
def test_a_home_in_a_bucket_that_is_not_there_is_refused(s3: str, words: list[str]) -> None:
    assert "there is no such bucket" in refused(*words, "--home", f"{s3}-that-is-not-there/home")


def test_wrong_credentials_are_refused_before_work_and_repeated_nowhere(s3: str) -> None:
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    with faulty(endpoint, lambda method, path: "SignatureDoesNotMatch") as url, endpoint_at(url):
        ended = run(kdm(f"{s3}/home"))
    assert ended.code != 0
    assert "SignatureDoesNotMatch" in ended.said.splitlines()[-1]
    assert "check the credentials" in ended.said
    assert "Traceback" not in ended.said
    assert CANARY not in ended.said
