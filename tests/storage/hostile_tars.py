"""Tars made by hand to do harm: each is a shard of four samples with one thing wrong."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable

import numpy as np
from made_shards import format_of, made_columns

from storage.records import LabelRule, PairSchema

SHARD_SIZE = 4
SCHEMA = PairSchema(shape=(2,), label=LabelRule(num_classes=10))
Member = tuple[tarfile.TarInfo, bytes]


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch canary",)


def sound() -> bytes:
    """The shard before anything is done to it."""
    columns = made_columns(SCHEMA, range(SHARD_SIZE))
    [data] = format_of("wds").encode(0, columns, SCHEMA, SHARD_SIZE).parts.values()
    return data


def members() -> list[Member]:
    """Those of the sound shard: index, label, x_0."""
    with tarfile.open(fileobj=io.BytesIO(sound())) as tar:
        return [(each, tar.extractfile(each).read()) for each in tar]


def packed(chosen: list[Member], form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, content in chosen:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, content: bytes = b"", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_of_header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """An .npy that claims `text`, with the sixteen bytes of a sound row behind it."""
    width = 2 if version == b"\x01\x00" else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text.encode() + bytes(16)


EVIL: dict[str, Member] = {
    "traversal": member("../../escaped.npy", b"x"),
    "absolute name": member("/tmp/escaped.npy", b"x"),
    "symbolic link": member("00000000.x_0.npy", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": member("00000000.x_0.npy", type=tarfile.LNKTYPE, linkname="00000000.index.npy"),
    "character device": member("00000000.x_0.npy", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "block device": member("00000000.x_0.npy", type=tarfile.BLKTYPE, devmajor=8),
    "pipe": member("00000000.x_0.npy", type=tarfile.FIFOTYPE),
    "folder": member("00000000.x_0.npy", type=tarfile.DIRTYPE),
    "contiguous file": member("00000000.x_0.npy", type=tarfile.CONTTYPE),
    "sparse file": member("00000000.x_0.npy", type=tarfile.GNUTYPE_SPARSE),
    "GNU long name": member("././@LongLink", b"a" * 65_536, type=tarfile.GNUTYPE_LONGNAME),
    "GNU long link": member("././@LongLink", b"a" * 65_536, type=tarfile.GNUTYPE_LONGLINK),
    "pax header": member("./PaxHeaders/x", b"19 path=/tmp/evil\n", type=tarfile.XHDTYPE),
    "global pax header": member("./PaxHeaders/x", b"13 size=1000\n", type=tarfile.XGLTYPE),
    "unknown type": member("00000000.x_0.npy", type=b"Z"),
    "pickled member": member("00000000.x_0.pyd", pickle.dumps(Canary())),
    "another field": member("00000000.x_T.npy", npy(np.zeros((4, 2), np.float32))),
    "empty member": member("00000001.index.npy"),
    "no name": member(""),
    "wide digits": member("００００００００.x_0.npy", b"x"),
    "look-alike letter": member("00000000.х_0.npy", b"x"),
    "trailing newline": member("00000000.x_0.npy\n", b"x"),
    "owner": member("00000001.index.npy", npy(np.arange(1)), uid=1),
    "executable": member("00000001.index.npy", npy(np.arange(1)), mode=0o755),
}

HEADERS = {
    "shape bomb": "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }\n",
    "negative shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -2), }\n",
    "Fortran order": "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 2), }\n",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (4, 2), }\n",
    "expression": "__import__('os').system('touch canary')\n",
    "deep expression": "(" * 60_000,
    "not a dictionary": "[1, 2]\n",
    "large header": "{'descr': '<f4', 'shape': (4, 2), }" + " " * 60_000 + "\n",
    "bits set": "\x00" * 118,
}

ARRAYS = {
    "another type": np.zeros((4, 2), np.float64),
    "other byte order": np.zeros((4, 2), ">f4"),
    "another shape": np.zeros((2, 4), np.float32),
    "more rows than samples": np.zeros((5, 2), np.float32),
    "fewer rows than samples": np.zeros((3, 2), np.float32),
    "pickled objects": np.array([[Canary(), 1]] * 4, object),
    "fields": np.zeros((4,), [("a", "<f4"), ("b", "<f4")]),
}

INDICES = {
    "an index twice": [0, 1, 1, 2],
    "falling indices": [3, 2, 1, 0],
    "an index of another shard": [0, 1, 2, 4],
    "a negative index": [-1, 0, 1, 2],
}


def with_index(values: list[int]) -> bytes:
    [(info, _), *others] = members()
    return packed([(info, npy(np.array(values))), *others])


def with_x_0(content: bytes) -> bytes:
    *others, _ = members()
    return packed([*others, member("00000000.x_0.npy", content)])


def with_field(start: int, field: bytes, *, is_summed: bool = True) -> bytes:
    """The sound tar with bytes of its first header replaced, its checksum made right again."""
    data = bytearray(sound())
    data[start : start + len(field)] = field
    if is_summed:
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 256)
    return bytes(data)


def record(number: int, rows: list[int]) -> list[Member]:
    columns = {
        "index": np.array(rows),
        "label": np.array(rows),
        "x_0": np.zeros((len(rows), 2), "f4"),
    }
    return [member(f"{number:08d}.{name}.npy", npy(each)) for name, each in columns.items()]


def with_zeros_in_padding_set() -> bytes:
    data = bytearray(sound())
    data[1000] = 1
    return bytes(data)


TARS: dict[str, Callable[[], bytes]] = {
    **{
        f"{name} first": lambda evil=evil: packed([evil, *members()]) for name, evil in EVIL.items()
    },
    **{f"{name} last": lambda evil=evil: packed([*members(), evil]) for name, evil in EVIL.items()},
    **{
        f"{name} in its place": lambda evil=evil: packed([*members()[:2], evil])
        for name, evil in EVIL.items()
    },
    **{
        f"npy: {name}": lambda text=text: with_x_0(npy_of_header(text))
        for name, text in HEADERS.items()
    },
    **{f"npy: {name}": lambda array=array: with_x_0(npy(array)) for name, array in ARRAYS.items()},
    "npy: version 2": lambda: with_x_0(npy_of_header(HEADERS["shape bomb"], b"\x02\x00")),
    "npy: version 9": lambda: with_x_0(npy_of_header(HEADERS["shape bomb"], b"\x09\x00")),
    **{name: lambda values=values: with_index(values) for name, values in INDICES.items()},
    "pax long name": lambda: packed([member("a" * 65_536), *members()], tarfile.PAX_FORMAT),
    "GNU long name in tarfile's way": lambda: packed(
        [member("a" * 65_536), *members()], tarfile.GNU_FORMAT
    ),
    "a claim of 1,000,000,000 bytes": lambda: with_field(124, b"%011o" % 10**9),
    "a claim of 8 GiB": lambda: with_field(124, b"7" * 11),
    "a size in base 256": lambda: with_field(124, b"\x80" + bytes(10) + b"\xff"),
    "a size below zero": lambda: with_field(124, b"\xff" * 12),
    "a size of blanks": lambda: with_field(124, b"        200"),
    "a name with NUL": lambda: with_field(18, b"\0.sh"),
    "a prefix": lambda: with_field(345, b"/tmp"),
    "a user": lambda: with_field(265, b"root"),
    "another magic": lambda: with_field(257, b"ustar  \0"),
    "another time": lambda: with_field(136, b"00000000001"),
    "a wrong checksum": lambda: with_field(148, b"000000", is_summed=False),
    "a checksum of signed bytes": lambda: with_field(148, b"777777", is_summed=False),
    "100,000 empty members": lambda: packed([member("a")])[:512] * 100_000 + bytes(1024),
    "a member twice": lambda: packed([*members(), members()[2]]),
    "a record twice": lambda: packed([*members(), *members()]),
    "members out of order": lambda: packed(members()[::-1]),
    "a field missing": lambda: packed(members()[:2]),
    "the index missing": lambda: packed(members()[1:]),
    "records from one on": lambda: packed(record(1, [0, 1, 2, 3])),
    "a record skipped": lambda: packed(record(0, [0, 1]) + record(2, [2, 3])),
    "records that are not full": lambda: packed(record(0, [0, 1]) + record(1, [2, 3])),
    "a record of more than 256": lambda: packed(record(0, list(range(257)))),
    "a record of none": lambda: packed(record(0, [])),
    "more samples than the shard": lambda: packed(record(0, list(range(6)))),
    "data after the end": lambda: sound() + b"x" * 10_240,
    "zeros after the end": lambda: sound() + bytes(10_240),
    "data in the tail": lambda: sound()[:-1] + b"x",
    "data in the padding": with_zeros_in_padding_set,
    "another tar behind it": lambda: sound() + sound(),
    "nothing": lambda: b"",
    "one byte": lambda: b"0",
    "gzip": lambda: b"\x1f\x8b" + sound(),
    "text": lambda: b"<html><script>alert(1)</script></html>" * 1000,
}
