"""The recipe `scale` in small: killed in its midst, and small on disk."""

import json
import sys
import time
from pathlib import Path

import pytest
from faults.commands import kill_tree, start
from faults.digests import assert_equal, digests_of, temporary_files
from typer.testing import CliRunner

from flows.cli import app

COUNT = 6000  # 12 shards of 512 indices
MAX_BYTES_A_PAIR = 3300  # all files together; 3,072 are the picture's


def words(home: Path) -> list[str]:
    options = ["--count", str(COUNT), "--set", "pairs.layout=wds-512"]
    options += ["--set", "pairs.heldout=512"]
    return ["generate-pairs", "scale", "--direct", "--home", str(home), *options]


def generate(home: Path) -> None:
    """In this process."""
    ended = CliRunner().invoke(app, words(home))
    assert ended.exit_code == 0, ended.exception


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("scale") / "whole"
    generate(home)
    return home


def test_many_shards_killed_in_their_midst_end_as_those_never_killed(
    whole: Path, tmp_path: Path
) -> None:
    homes = (tmp_path / str(attempt) for attempt in range(10))
    # Where the blow came too late it has shown nothing, and another home is begun.
    home = next(home for home in homes if num_made_when_killed(home) < 12)
    generate(home)
    assert_equal(digests_of(home), digests_of(whole))
    assert temporary_files(home) == []


def num_made_when_killed(home: Path) -> int:
    """Shards with a record once a process was killed that had made five at least."""
    process = start([str(Path(sys.executable).with_name("kdm")), *words(home)])
    deadline = time.monotonic() + 60
    while len(list(home.glob("pairs/*/train/*/records/*.json"))) < 5:
        assert time.monotonic() < deadline, "no shard was made"
        time.sleep(0.01)
    kill_tree(process)
    return len(list(home.glob("pairs/*/train/*/records/*.json")))


def test_a_picture_of_3072_values_takes_3300_bytes_at_most(whole: Path) -> None:
    files = [file for file in (whole / "pairs").rglob("*") if file.is_file()]
    records = [json.loads(file.read_bytes()) for file in files if file.parent.name == "records"]
    num_bytes = sum(file.stat().st_size for file in files if file.suffix in (".tar", ".json"))
    num_pairs = sum(record["kept"] for record in records)
    assert num_pairs == 12 * 512 + 512
    assert num_bytes / num_pairs <= MAX_BYTES_A_PAIR
