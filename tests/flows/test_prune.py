"""`kdm prune`: what nobody reads goes, what is needed or claimed stays, and a kill costs nothing."""

import json
import os
import platform
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Finished
from faults.crash_points import KILLED, in_fork
from faults.digests import digests_of
from typer.testing import CliRunner

from flows.claim_file import ClaimFile, own_claim
from flows.cli import app
from flows.stages.claim import FILE
from kdm.hub.staging import alone_in
from storage.digest import seal, unseal
from storage.folders import folder_at
from storage.folders.temporary import temporary_name

DAY = 86_400.0


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    """A finished home of three days ago."""
    return aged(finished.copy(tmp_path / "home"))


def aged(home: Path) -> Path:
    for file in home.rglob("*"):
        os.utime(file, (time.time() - 3 * DAY,) * 2)
    return home


def prune(home: Path, *options: str, **more: Any) -> Result:
    return CliRunner().invoke(app, ["prune", "--home", str(home), *options], **more)


def pruned(home: Path, *options: str) -> dict[str, Any]:
    ended = prune(home, "--json", *(options or ("--yes",)))
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return json.loads(ended.stdout)


def thing(home: Path, kind: str) -> Path:
    (found,) = (each for each in (home / kind).iterdir() if each.name[-13:-12] == "-")
    return found


def size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def states(home: Path) -> set[str]:
    words = ["run", "tiny", "--direct", "--json", "--device", "cpu", "--home", str(home)]
    return {each["state"] for each in json.loads(CliRunner().invoke(app, words).stdout)["stages"]}


def test_checkpoints_of_ended_trainings_go_and_everything_stays_done(home: Path) -> None:
    folders = [thing(home, kind) / "checkpoints" for kind in ("teachers", "students")]
    before, num_bytes = size(home), sum(map(size, folders))
    found = pruned(home)
    assert [each["place"] for each in found["things"]] == [
        str(each.relative_to(home)) for each in folders
    ]
    assert found["bytes"] == found["freed"] == num_bytes == before - size(home) > 0
    assert "300 steps" in found["things"][0]["again"]
    assert not any(each.exists() for each in folders)
    assert states(home) == {"cached"}
    assert pruned(home)["things"] == []


def test_a_dry_run_and_a_no_remove_nothing(home: Path) -> None:
    before = digests_of(home)
    found = pruned(home, "--dry-run")
    assert found["freed"] == 0
    assert prune(home, "--dry-run").stdout.endswith("nothing was removed\n")
    refused = prune(home, "--unused", "1d", input="n\n")
    assert refused.exit_code == 1
    assert f"Remove them ({found['bytes'] / 1000:.0f} kB)?" in refused.stdout
    assert digests_of(home) == before
    assert prune(home, input="y\n").stdout.endswith(f"freed {found['bytes']:,} bytes\n")


def test_what_a_killed_writer_left_goes_and_a_young_file_stays(home: Path) -> None:
    pruned(home)
    dead, alive = f".tmp-{platform.node()}-999999999-{'0' * 32}", temporary_name()
    left, young = thing(home, "students") / dead, home / "reports" / alive
    shard = next(thing(home, "pairs").glob("train/*/shards")) / "000000-0123456789ab.tar"
    for file in (left, young, shard):
        file.write_bytes(b"12345")
    assert {each["place"]: each["bytes"] for each in pruned(home)["things"]} == {"students": 5}
    assert [file.exists() for file in (left, young, shard)] == [False, True, True]
    os.utime(shard, (time.time() - DAY,) * 2)
    (waste,) = pruned(home)["things"]
    assert (waste["place"], waste["bytes"], waste["again"]) == (
        f"pairs/{thing(home, 'pairs').name}",
        5,
        None,
    )
    assert not shard.exists()


def test_what_a_stopped_pull_left_goes_unless_one_is_at_work_in_it(home: Path) -> None:
    pruned(home)
    left, at_work, young = (home / "pairs" / f".pull-{name}-{'0' * 12}" for name in "abc")
    for folder in (left, at_work, young):
        (folder / ".parts").mkdir(parents=True)
        (folder / ".parts" / "half").write_bytes(b"12345")
    aged(home)
    (young / "spec.json").write_bytes(b"{}")
    with alone_in(at_work):
        (found,) = pruned(home)["things"]
    assert (found["place"], found["bytes"]) == (f"pairs/{left.name}", 5)
    assert "'kdm pull' goes on with it" in found["again"]
    assert [each.exists() for each in (left, at_work, young)] == [False, True, True]


def test_damaged_weights_keep_their_checkpoints(home: Path) -> None:
    student = thing(home, "students")
    (student / "model.safetensors").write_bytes(b"not what was written")
    found = pruned(home)
    (kept,) = found["kept"]
    assert kept["place"] == f"students/{student.name}/checkpoints"
    assert "is not what config.json says" in kept["why"]
    assert (student / "checkpoints").is_dir()


def test_what_a_running_process_claims_is_not_touched(home: Path) -> None:
    student, pairs = thing(home, "students"), thing(home, "pairs")
    shutil.rmtree(home / "reports")
    ClaimFile(folder_at(str(student)), FILE).create(own_claim())
    claims = next(pairs.glob("train/*")) / "claims"
    ClaimFile(folder_at(str(claims)), "000001.json").create(own_claim())
    aged(home)
    before = digests_of(home)
    found = pruned(home, "--unused", "1d", "--yes")
    assert [each["place"] for each in found["things"]] == [
        f"teachers/{thing(home, 'teachers').name}/checkpoints"
    ]
    assert {each["place"] for each in found["kept"]} >= {
        f"students/{student.name}",
        f"pairs/{pairs.name}",
    }
    assert f"process {os.getpid()} on" in found["kept"][0]["why"]
    gone = {name for name in before if name not in digests_of(home)}
    assert all(name.startswith(f"teachers/{thing(home, 'teachers').name}/check") for name in gone)


def test_only_what_nothing_refers_to_is_unused(home: Path) -> None:
    places = [f"{kind}/{thing(home, kind).name}" for kind in ("students", "pairs", "teachers")]
    assert not {each["place"] for each in pruned(home, "--dry-run", "--unused", "1d")["things"]} & {
        *places
    }
    shutil.rmtree(thing(home, "reports"))
    assert not {each["place"] for each in pruned(home, "--dry-run", "--unused", "4d")["things"]} & {
        *places
    }
    before = size(home)
    found = pruned(home, "--unused", "1d", "--yes")
    assert [each["place"] for each in found["things"]] == places
    assert [
        each["again"].partition(" of ")[0].partition(" by ")[0] for each in found["things"]
    ] == [*("200 steps", "2,560 pairs", "300 steps")]
    assert found["freed"] == before - size(home)
    assert not [*home.glob("*/*-????????????")]


def test_a_page_that_names_a_student_keeps_it_and_what_it_came_from(home: Path) -> None:
    student = thing(home, "students").name
    shutil.rmtree(thing(home, "reports"))
    study = home / "studies" / "losses-on-tiny-0123456789ab"
    study.mkdir(parents=True)
    (study / "numbers.json").write_bytes(seal({"trials": [{"student": student}]}))
    aged(home)
    found = pruned(home, "--dry-run", "--unused", "1d")
    assert {each["place"].count("/") for each in found["things"]} == {2}  # checkpoints alone


def test_what_this_home_cannot_make_again_stays(home: Path) -> None:
    shutil.rmtree(thing(home, "reports"))
    teacher, pairs = thing(home, "teachers"), thing(home, "pairs")
    config = unseal((teacher / "config.json").read_bytes(), "")
    config["identity"] = {"importer": "edm-1"}
    (teacher / "config.json").write_bytes(seal(config))
    (thing(home, "students") / "config.json").write_bytes(b"{}")
    aged(home)
    kept = {each["place"]: each["why"] for each in pruned(home, "--unused", "1d", "--yes")["kept"]}
    assert "it isn't clear what" in kept[f"pairs/{pairs.name}"]
    assert pairs.is_dir()
    shutil.rmtree(home / "students")
    shutil.rmtree(pairs)
    kept = {each["place"]: each["why"] for each in pruned(home, "--unused", "1d", "--yes")["kept"]}
    assert "made elsewhere" in kept[f"teachers/{teacher.name}"]
    assert teacher.is_dir()


def test_caches_go_if_asked_for(home: Path) -> None:
    for name in ("features/net-0123456789ab/00000-0123456789ab.npy", "analyses/x.npz"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_bytes(b"123")
    assert "features" not in {each["place"] for each in pruned(home, "--dry-run")["things"]}
    found = pruned(home, "--caches", "--yes")
    assert [
        each["bytes"] for each in found["things"] if each["place"] in ("features", "analyses")
    ] == [*(3, 3)]
    assert not (home / "features").exists()


def test_killed_at_any_change_of_the_disk_it_goes_on_and_nothing_looks_whole_that_is_not(
    home: Path, tmp_path: Path
) -> None:
    shutil.rmtree(thing(home, "reports"))
    before = digests_of(home)
    places = [f"{kind}/{thing(home, kind).name}" for kind in ("students", "pairs", "teachers")]
    whole = in_fork(
        partial(prune, shutil.copytree(home, tmp_path / "0"), "--unused", "1d", "--yes")
    )
    assert (whole.code, whole.num_points > 40) == (0, True), whole.said
    for point in range(2, whole.num_points, whole.num_points // 3):
        there = aged(shutil.copytree(home, tmp_path / str(point)))
        killed = in_fork(partial(prune, there, "--unused", "1d", "--yes"), crash_at=point)
        assert killed.code == KILLED
        assert CliRunner().invoke(app, ["ls", "--home", str(there)]).exit_code == 0
        now = digests_of(there)
        for place in places:  # each is whole, or isn't listed
            own = {name for name in before if name.startswith(place)}
            assert own & now.keys() in (own, set())
        aged(there)
        assert pruned(there, "--unused", "1d", "--yes")["kept"] == []
        assert not [*there.glob("*/*-????????????"), *there.glob("*/.tmp-*")]
