"""`kdm pairs purge`: what it says, what it closes, and which students it names."""

import json
from pathlib import Path

import pytest
from conftest import Finished
from faults.digests import assert_equal, digests_of
from faults.here import run_here, train_here
from typer.testing import CliRunner

from flows.cli import app
from storage.care.purge_journal import begin_purge
from storage.care.purge_plan import plan_purge
from storage.decisions import decision_of_set
from storage.digest import seal
from storage.errors import StoreError, UnfinishedPurgeError
from storage.folders import Folder, folder_at


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home", "reports")


def kdm(home: Path, *words: str, code: int = 0) -> str:
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended.output


def the_set(home: Path) -> Folder:
    (found,) = (home / "pairs").iterdir()
    return folder_at(str(found))


def decision(home: Path) -> str:
    (found,) = the_set(home).local_path("train/wds-256/masks").glob("*/decisions/*")
    return found.name


def purged(home: Path) -> str:
    return kdm(home, "pairs", "purge", "tiny", "--decision", decision(home)[:6], "--yes")


def unmask(home: Path) -> str:
    """Have the student say that it read every pair, as one trained with `--mask none` does."""
    (student,) = (home / "students").iterdir()
    config = json.loads((student / "config.json").read_text())
    config["identity"]["source"]["masks"] = []
    (student / "config.json").write_bytes(seal(config))
    return student.name


def test_without_yes_it_only_says_what_would_go(home: Path) -> None:
    before = digests_of(home)
    said = kdm(home, "pairs", "purge", "tiny", "--decision", decision(home))
    assert "of 2,048 pairs go" in said
    assert "no student in this home has read these pairs" in said
    assert f"students/{unmask(home)}: " in kdm(
        home, "pairs", "purge", "tiny", "--decision", decision(home)
    )
    unmasked = digests_of(home)
    assert {name for name in before if before[name] != unmasked[name]} == {
        f"students/{unmask(home)}/config.json"
    }


def test_a_purged_set_verifies_says_so_everywhere_and_names_its_readers(home: Path) -> None:
    student = unmask(home)
    said = purged(home)
    assert f"students/{student}: " in said
    words = next(line for line in said.splitlines() if line.startswith("purged: "))
    assert words.endswith(f" by {decision(home)}")
    assert "sound" in kdm(home, "pairs", "verify", "tiny", "--deep")
    assert words in kdm(home, "ls")
    assert words in the_set(home).read("card.md").decode()
    shown = json.loads(kdm(home, "pairs", "show", "tiny", "--json"))["splits"]["train/wds-256"]
    assert (shown["dropped"]["purged"], shown["masks"][0]["masked"]) == (
        int(shown["purged"][0].split()[0]),
        0,
    )
    rested = CliRunner().invoke(app, ["rm", "pairs/tiny", "--yes", "--home", str(home)])
    assert student in str(rested.exception)
    assert "drops none of the pairs that are stored" in (again := purged(home))
    assert f"students/{student}: " in again


def test_neither_repair_nor_generation_brings_purged_pairs_back(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged(home)
    golden, base = digests_of(home / "pairs"), the_set(home) / "train" / "wds-256"
    shards = list(base.local_path("shards").iterdir())
    shards[0].unlink()
    base.remove("records/000003.json")
    kdm(home, "pairs", "repair", "tiny")
    assert_equal(digests_of(home / "pairs"), golden)
    shards[1].unlink()
    train_here(monkeypatch)
    run_here(home, until="filter-pairs")
    assert_equal(digests_of(home / "pairs"), golden)


def test_a_half_purged_set_is_closed_to_all_but_the_purge(home: Path) -> None:
    from flows.commands.set_stores import stores_of

    folder = the_set(home)
    mask = decision_of_set(folder, decision(home))
    begin_purge(folder, stores_of(folder), plan_purge(stores_of(folder), mask))
    for words in (["verify", "tiny"], ["repair", "tiny"], ["convert", "tiny", "--to", "wds-64"]):
        error = CliRunner().invoke(app, ["pairs", *words, "--home", str(home)]).exception
        assert isinstance(error, UnfinishedPurgeError)
    assert "half purged" in kdm(home, "ls")
    kdm(home, "pairs", "gc", "tiny", "--yes", code=1)
    assert "add --yes to finish it" in kdm(
        home, "pairs", "purge", "tiny", "--decision", decision(home)
    )
    assert "purged: " in purged(home)
    assert "sound" in kdm(home, "pairs", "verify", "tiny")


def test_what_is_damaged_or_unknown_is_not_purged(home: Path) -> None:
    before = digests_of(home)
    words = ["pairs", "purge", "tiny", "--yes", "--home", str(home), "--decision"]
    error = CliRunner().invoke(app, [*words, "0000"]).exception
    assert "is the beginning of 0 decisions" in str(error)
    assert digests_of(home) == before
    shard = next(the_set(home).local_path("train/wds-256/shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    error = CliRunner().invoke(app, [*words, decision(home)]).exception
    assert isinstance(error, StoreError)
    assert "run 'kdm pairs repair" in str(error)
    assert not the_set(home).exists("purges")
