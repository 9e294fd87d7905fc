"""Every layout gives back what it was given, from bytes that depend on nothing else."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from made_shards import (
    EVERYTHING,
    FORMATS,
    SCHEMAS,
    are_equal,
    decoded,
    format_of,
    made_columns,
    made_shard,
)
from zarr.codecs import Crc32cCodec
from zarr.storage import MemoryStore

from storage.formats.column import gather
from storage.formats.layout import parse_layout
from storage.formats.shard_file import ShardFile
from storage.records import Columns, LabelRule, PairSchema, content_digest

GOLDEN = Path(__file__).parents[1] / "golden" / "store-v1"
KINDS = pytest.mark.parametrize("kind", FORMATS)
EACH_SCHEMA = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))


@KINDS
@EACH_SCHEMA
@pytest.mark.parametrize("dropped", [(), (0, 7, 300, 511), range(512)], ids=["no", "some", "all"])
def test_columns_come_back_as_they_were_laid_out(
    kind: str, schema: PairSchema, dropped: tuple[int, ...]
) -> None:
    index = [5 * 512 + row for row in range(512) if row not in dropped]
    columns = made_columns(schema, index)
    encoded = format_of(kind).encode(5, columns, schema, 512)
    assert are_equal(decoded(kind, 5, encoded, schema, 512), columns)


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.sampled_from([1, 2, 64, 256, 512]),
    st.integers(0, 10**7),
    st.sampled_from(list(SCHEMAS.values())),
    st.data(),
)
def test_what_was_dropped_changes_nothing_about_the_rest(
    shard_size: int, shard: int, schema: PairSchema, data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.integers(0, shard_size - 1)))
    columns = made_columns(schema, [shard * shard_size + row for row in sorted(kept)])
    for kind in FORMATS:
        encoded = format_of(kind).encode(shard, columns, schema, shard_size)
        found = decoded(kind, shard, encoded, schema, shard_size)
        assert are_equal(found, columns)
        assert content_digest(found) == content_digest(columns)


@KINDS
def test_the_last_shard_of_an_imported_set_may_be_short(kind: str) -> None:
    columns = made_columns(EVERYTHING, range(512, 700))
    encoded = format_of(kind).encode(1, columns, EVERYTHING, 512)
    assert are_equal(decoded(kind, 1, encoded, EVERYTHING, 512), columns)


@KINDS
@EACH_SCHEMA
def test_equal_columns_give_equal_bytes_however_they_lie_in_memory(
    kind: str, schema: PairSchema
) -> None:
    columns = made_columns(schema, range(300))
    swapped = {name: each.astype(each.dtype.newbyteorder(">")) for name, each in columns.items()}
    spread = {name: np.repeat(each, 2, axis=0)[::2] for name, each in columns.items()}
    first, second, third = (
        format_of(kind).encode(0, each, schema, 512) for each in (columns, swapped, spread)
    )
    assert first == second == third


@KINDS
def test_a_column_of_another_type_is_never_converted_in_silence(kind: str) -> None:
    columns = made_columns(EVERYTHING, range(8))
    columns["x_0"] = columns["x_0"].astype(np.float64)
    with pytest.raises(TypeError, match="equiv"):
        format_of(kind).encode(0, columns, EVERYTHING, 8)


@KINDS
def test_rows_are_gathered_in_the_order_asked_for(kind: str) -> None:
    encoded, rows = made_shard(kind), np.array([6, 0, 0, 3])
    columns = decoded(kind, 2, encoded, EVERYTHING, 8)
    for name, each in format_of(kind).locate(2, encoded.parts, EVERYTHING, 8).items():
        data = encoded.parts[each.part]
        assert np.array_equal(gather(each, memoryview(data), rows), columns[name][rows])
        assert gather(each, data, rows[:0]).shape == (0, *each.row_shape)


@KINDS
@EACH_SCHEMA
def test_a_whole_shard_has_the_most_bytes_that_are_ever_read(kind: str, schema: PairSchema) -> None:
    for shard_size in (1, 512):
        columns = made_columns(schema, range(shard_size))
        file = format_of(kind).encode(0, columns, schema, shard_size).file
        assert file.num_bytes == format_of(kind).max_bytes(schema, shard_size)


@KINDS
def test_a_shard_that_memory_could_not_hold_is_refused(kind: str) -> None:
    vast = PairSchema(shape=(2**24,), num_states=64)
    with pytest.raises(ValueError, match="choose a layout with a smaller shard"):
        format_of(kind).max_bytes(vast, 65_536)


@KINDS
@pytest.mark.parametrize("shard", [0, 12, 1_234_567])
def test_a_file_says_which_shard_it_is_of(kind: str, shard: int) -> None:
    file = made_shard(kind, shard=shard).file
    format_of(kind).require_names(shard, file, EVERYTHING)
    assert {format_of(kind).shard_of(name) for name in file.names} == {shard}
    with pytest.raises(ValueError, match=f"shard {shard + 1} "):
        format_of(kind).require_names(shard + 1, file, EVERYTHING)


@KINDS
@pytest.mark.parametrize(
    "name",
    [
        "",
        "zarr.json",
        "x_0/zarr.json",
        "x_0/c/01",
        "x_0/c/٣",
        "x_0/c/1/0/../0",
        "y/c/1",
        "1.tar",
        "0000012-0123456789ab.tar",
        "000012-0123456789ab.tar\n",
        "1" * 5000 + "-0123456789ab.tar",
        "../000012-0123456789ab.tar",
    ],
)
def test_any_other_file_is_of_no_shard(kind: str, name: str) -> None:
    assert format_of(kind).shard_of(name) is None


def test_a_tar_is_what_tarfile_and_numpy_would_write() -> None:
    columns = made_columns(EVERYTHING, range(300))
    data = format_of("wds").encode(0, columns, EVERYTHING, 512).parts
    assert list(data.values()) == [tar_of(columns)]


def tar_of(columns: Columns) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for record, first in enumerate(range(0, len(columns["index"]), 256)):
            for name in sorted(columns):
                content = io.BytesIO()
                rows = columns[name][first : first + 256]
                np.lib.format.write_array(content, rows, version=(1, 0), allow_pickle=False)
                member = tarfile.TarInfo(f"{record:08d}.{name}.npy")
                member.size, member.mode, member.mtime = content.tell(), 0o644, 0
                content.seek(0)
                tar.addfile(member, content)
    return buffer.getvalue()


@EACH_SCHEMA
def test_a_zarr_shard_is_what_the_library_would_write(schema: PairSchema) -> None:
    columns = made_columns(schema, range(1024, 1536))
    parts = format_of("zarr").encode(2, columns, schema, 512).parts
    for name, (dtype, shape) in schema.row_types.items():
        files: dict[str, Any] = {}
        array = zarr.create_array(
            MemoryStore(files),
            shape=(1536, *shape),
            chunks=(256, *shape),
            shards=(512, *shape),
            dtype=dtype,
            compressors=[Crc32cCodec()],
            config={"write_empty_chunks": True},
        )
        array[1024:] = columns[name]
        part = f"c/2{'/0' * len(shape)}"
        assert files[part].to_bytes() == parts[f"{name}/{part}"]


@EACH_SCHEMA
def test_the_library_reads_the_arrays_by_index(tmp_path: Path, schema: PairSchema) -> None:
    columns = made_columns(schema, [index for index in range(128) if index != 70])
    write_group(tmp_path, columns, schema)
    group = zarr.open_group(tmp_path, mode="r")
    assert sorted(group.array_keys()) == sorted(columns)
    assert np.asarray(group["index"])[69:72].tolist() == [69, -1, 71]
    for name, each in columns.items():
        assert group[name].dtype == each.dtype
        assert np.array_equal(np.asarray(group[name])[columns["index"]], each)


def write_group(folder: Path, columns: Columns, schema: PairSchema) -> None:
    layout = format_of("zarr")
    files = dict(layout.metadata(2, schema, 64))
    for shard in range(2):
        own = {name: each[columns["index"] // 64 == shard] for name, each in columns.items()}
        files |= layout.encode(shard, own, schema, 64).parts
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_metadata_depends_on_nothing_but_its_arguments() -> None:
    layout, schema = format_of("zarr"), SCHEMAS["bytes"]
    first, second = layout.metadata(3, schema, 512), layout.metadata(3, schema, 512)
    assert first == second
    assert sorted(first) == ["index/zarr.json", "x_0/zarr.json", "zarr.json"]
    assert b'"height"' in first["x_0/zarr.json"]
    assert b"numpy.random.Philox" in first["zarr.json"]
    assert format_of("wds").metadata(3, schema, 512) == {}


@pytest.mark.parametrize("tar", sorted(GOLDEN.rglob("*.tar")), ids=lambda tar: tar.name)
def test_no_byte_of_a_frozen_tar_would_be_written_otherwise_today(tar: Path) -> None:
    layout, shard, data = format_of("wds"), int(tar.name[:6]), tar.read_bytes()
    labels = LabelRule(num_classes=10, rule="uniform")
    schema = PairSchema(shape=(1, 2, 2), x_0_dtype="float16", label=labels)
    located = layout.locate(shard, {tar.name: data}, schema, 64)
    columns = {name: gather(each, data) for name, each in located.items()}
    assert layout.encode(shard, columns, schema, 64).parts == {tar.name: data}


@pytest.mark.parametrize(
    "name",
    [
        "wds-1000",
        "wds-",
        "wds-0",
        "wds-131072",
        "wds-064",
        "wds-٤",
        "tar-64",
        "",
        "wds-" + "1" * 10**6,
    ],
)
def test_a_layout_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"power of two|no plugin") as fault:
        parse_layout(name)
    assert len(str(fault.value)) < 300


def test_a_shard_of_one_file_is_that_file() -> None:
    assert ShardFile("a.tar", "0" * 64, 1).names == ("a.tar",)
    assert ShardFile("a", "0" * 64, 2, {"y": "1" * 64, "x": "2" * 64}).names == ("x", "y")
