"""Whatever is handed to the store instead of a set: refused at once, in little memory, with no effect."""

import random
from pathlib import Path

import pytest
from hostile_documents import MANIFESTS, RECORD_BYTES, RECORDS, SCHEMAS, ZARR, parts
from hostile_tars import SCHEMA, SHARD_SIZE, TARS, members, packed, sound
from made_shards import EVERYTHING, FORMATS, format_of, made_shard
from refusals import BYTES, SECONDS, Refused, refused_by
from refuse_hostile import VAST, read_tar, read_zarr

from storage.digest import sha256_of
from storage.formats.shard_file import EncodedShard

NAMES = [
    *(f"tar: {name}" for name in TARS),
    *(f"zarr: {name}" for name in ZARR),
    *(f"record: {name}" for name in RECORDS),
    *(f"record bytes: {name}" for name in RECORD_BYTES),
    *(f"manifest: {name}" for name in MANIFESTS),
    *(f"schema: {name}" for name in SCHEMAS),
    *(f"10^9 bytes: {name}" for name in VAST),
]


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    script = Path(__file__).with_name("refuse_hostile.py")
    return refused_by(script, tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hostile_is_refused_at_once_with_a_sentence(refused: Refused, name: str) -> None:
    assert 0 < len(refused.refusals[name]) < 1000
    assert refused.seconds[name] <= SECONDS


def test_refusing_everything_takes_little_memory_and_leaves_nothing(refused: Refused) -> None:
    assert sorted(refused.refusals) == sorted(NAMES)
    assert refused.peak_bytes <= BYTES
    assert [name for name in refused.left_behind if not name.startswith("set/")] == []
    assert not Path("/tmp/escaped.npy").exists()


def test_what_hostile_shards_are_made_from_is_read() -> None:
    read_tar(sound())
    read_tar(packed(members()))
    read_zarr(parts())


def is_read(kind: str, shard: EncodedShard, parts: dict[str, bytes]) -> bool:
    try:
        format_of(kind).locate(2, parts, EVERYTHING, 8)
    except ValueError:
        return False
    return all(sha256_of(data) == sha256_of(shard.parts[name]) for name, data in parts.items())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cut_at_any_block_is_refused_by_the_layout_itself(kind: str) -> None:
    shard = made_shard(kind)
    assert is_read(kind, shard, shard.parts)
    for name, data in shard.parts.items():
        for length in range(0, len(data), 512):
            cut = {**shard.parts, name: data[:length]}
            with pytest.raises(ValueError, match=r"byte|record"):
                format_of(kind).locate(2, cut, EVERYTHING, 8)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_flipped_bit_anywhere_is_refused(kind: str) -> None:
    shard, chosen = made_shard(kind), random.Random(7)
    for _ in range(500):
        name = chosen.choice(sorted(shard.parts))
        data = bytearray(shard.parts[name])
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        assert not is_read(kind, shard, {**shard.parts, name: bytes(data)})


def test_a_zarr_shard_is_guarded_without_its_digest() -> None:
    shard, chosen = made_shard("zarr"), random.Random(8)
    for _ in range(500):
        name = chosen.choice(sorted(shard.parts))
        data = bytearray(shard.parts[name])
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        with pytest.raises(ValueError, match=r"crc32c|chunk"):
            format_of("zarr").locate(2, {**shard.parts, name: bytes(data)}, EVERYTHING, 8)


def test_rows_can_be_read_in_place() -> None:
    data = memoryview(bytearray(sound()))
    located = format_of("wds").locate(0, {"000000-0123456789ab.tar": data}, SCHEMA, SHARD_SIZE)
    assert sorted(located) == ["index", "label", "x_0"]
