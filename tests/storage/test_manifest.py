"""A manifest lists a million shards in little memory, and says what older ones said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from storage.digest import seal
from storage.errors import DamageError
from storage.folders import Folder
from storage.ledger_files import read_manifest, read_record, read_records
from storage.manifest import Manifest
from storage.shard_record import Record, record_name, sealed

MANY = 10**6
MAX_BYTES = 400 * 10**6
# Opens the manifest, asks for two of its digests, and prints the memory that it took.
OPEN = """
import json
from pathlib import Path
from storage.folders import folder_at
from storage.ledger_files import read_manifest
manifest = read_manifest(folder_at("."), 10**6)
ends = [manifest.content_digest(shard) for shard in (0, 10**6 - 1)]
# Not ru_maxrss: a child's begins at what its parent had.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"peak_bytes": peak, "ends": ends}))
"""


def manifest_of(num_shards: int) -> Manifest:
    return Manifest.over(
        (f"{shard:064x}" for shard in range(num_shards)),
        split="train",
        layout="wds-64",
        spec_digest="0" * 64,
        attempted=64 * num_shards - 3,
        kept=5,
    )


def record_of(shard: int, **fields: object) -> Record:
    sound = {
        "shard": shard,
        "split": "train",
        "layout": "wds-4",
        "spec_digest": "0" * 64,
        "content_digest": f"{shard:064x}",
        "file": "a.tar",
        "file_digest": "1" * 64,
        "num_bytes": 10_240,
        "first_index": 4 * shard,
        "last_index": 4 * shard + 3,
        "attempted": 4,
        "kept": 3,
        "dropped": {"nan": [4 * shard + 1]},
        "environment": {},
    }
    return Record.model_validate({**sound, **fields})


def test_a_million_shards_open_in_little_memory(tmp_path: Path) -> None:
    (tmp_path / record_name(MANY)).write_bytes(sealed(manifest_of(MANY)))
    ended = subprocess.run(
        [sys.executable, "-c", OPEN], cwd=tmp_path, check=True, capture_output=True, timeout=100
    )
    found = json.loads(ended.stdout)
    assert found["peak_bytes"] <= MAX_BYTES
    assert found["ends"] == [f"{0:064x}", f"{MANY - 1:064x}"]


@pytest.mark.parametrize("num_shards", [1, 2, 3, 1000])
def test_a_manifest_comes_back_as_it_was_frozen(home: Folder, num_shards: int) -> None:
    frozen = manifest_of(num_shards)
    home.create(record_name(num_shards), sealed(frozen, created_at="now"))
    read = read_manifest(home, num_shards)
    assert read == frozen
    assert read.content_digests == tuple(f"{shard:064x}" for shard in range(num_shards))
    assert read.content_digests == tuple(map(read.content_digest, range(num_shards)))


@pytest.mark.parametrize("num_shards", [1, 1000])
def test_the_list_that_manifests_once_held_is_read(home: Folder, num_shards: int) -> None:
    document = manifest_of(num_shards).model_dump()
    del document["contents"]
    listed = [f"{shard:064x}" for shard in range(num_shards)]
    home.create(record_name(num_shards), seal({**document, "content_digests": listed}))
    assert read_manifest(home, num_shards) == manifest_of(num_shards)


@pytest.mark.parametrize("shard", [-1, 3, 10**9])
def test_a_digest_beyond_the_manifest_is_refused(shard: int) -> None:
    with pytest.raises(ValueError, match="the manifest covers 3"):
        manifest_of(3).content_digest(shard)


def test_a_digest_takes_a_few_bytes() -> None:
    # 32 bytes are 43 letters of base64.
    assert len(sealed(manifest_of(1000))) < 43_500


def test_a_record_of_one_file_is_written_as_before_there_were_parts(home: Folder) -> None:
    alone, several = record_of(0), record_of(0, parts={"x_0/c/0": "2" * 64})
    assert "parts" not in alone.model_dump()
    home.create(record_name(0), sealed(several))
    assert read_record(home, 0) == several
    assert several.shard_file.names == ("x_0/c/0",)


def test_records_are_read_in_the_order_asked_for(home: Folder) -> None:
    for shard in range(3):
        home.create(record_name(shard), sealed(record_of(shard), attempt="a"))
    assert read_records(home, [2, 0]) == [record_of(2), record_of(0)]
    with pytest.raises(DamageError, match=r"000003\.json is missing"):
        read_records(home, [2, 3])
    with pytest.raises(DamageError, match=r"000004\.json is missing"):
        read_manifest(home, 4)
