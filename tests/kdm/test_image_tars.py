"""WebDataset tars: samples in the order of their tars, and nothing broken is passed over."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_pictures import LABELS, SHAPE, encoded, made, saved

from kdm.datasets.image_tars import ImageTarsData
from storage.options import parse

PICTURES = made()
Files = list[tuple[str, bytes]]


def samples(rows: range) -> Files:
    files = (
        [(f"{row:06d}.png", encoded(PICTURES[row])), (f"{row:06d}.cls", b"%d" % LABELS[row])]
        for row in rows
    )
    return [file for pair in files for file in pair]


def tarred(files: Files, **fields) -> bytes:
    """A tar; `fields` go into the head of the first file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for number, (name, data) in enumerate(files):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in fields.items() if number == 0 else ():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


SOUND = samples(range(5))


def opened(path: Path, data: bytes | None = None, **options) -> ImageTarsData:
    if data is not None:
        path.write_bytes(data)
    return ImageTarsData(source=str(path), **{"shape": SHAPE, "num_classes": 3, **options})


def test_a_tar_and_a_folder_of_tars_are_one_set(tmp_path: Path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "000001.tar").write_bytes(tarred(samples(range(3, 5))))
    (folder / "000000.tar").write_bytes(tarred([*samples(range(3)), ("000002.json", b"{}")]))
    whole, parts = opened(tmp_path / "set.tar", tarred(SOUND)), opened(folder)
    assert np.array_equal(parts.train(), PICTURES)
    assert parts.labels().tolist() == LABELS
    assert parts.digest() == whole.digest()


def test_what_the_published_writer_packs_is_read(tmp_path: Path):
    import webdataset

    with webdataset.TarWriter(str(tmp_path / "set.tar")) as writer:
        for row, picture in enumerate(PICTURES):
            image = Image.fromarray(picture.transpose(1, 2, 0))
            writer.write({"__key__": f"a/{row:04d}", "png": image, "cls": LABELS[row]})
    data = opened(tmp_path / "set.tar")
    assert np.array_equal(data.train(), PICTURES)
    assert data.labels().tolist() == LABELS


def test_without_classes_no_label_is_asked_for(tmp_path: Path):
    data = opened(tmp_path / "set.tar", tarred(SOUND[::2]), num_classes=None)
    assert np.array_equal(data.train(), PICTURES)


def cut(data: bytes) -> bytes:
    """Between two files, where a tar without its end looks like a shorter one."""
    return data[: 2 * 1024]


def damaged_head(data: bytes) -> bytes:
    place = 2 * 1024 + 10  # in the head of the third file
    return data[:place] + b"\xff" + data[place + 1 :]


def claiming(size: int, kind: bytes) -> bytes:
    """The first head is an extension that claims so many bytes."""
    data = bytearray(tarred(SOUND))
    data[156:157] = kind
    data[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


GREY = saved(Image.new("L", (4, 4)))
BROKEN = {
    "no class": (tarred(SOUND[:3]), "000001 in set.tar isn't labelled"),
    "a class above": (tarred([*SOUND[:1], ("000000.cls", b"3")]), "labels are 0 … 2"),
    "a class in words": (tarred([*SOUND[:1], ("000000.cls", b"cat")]), "write a whole number"),
    "a class of digits without end": (tarred([*SOUND[:1], ("000000.cls", b"1" * 99)]), "a whole"),
    "no picture in a sample": (tarred(SOUND[1:]), "has 0 pictures in 1 files"),
    "two pictures in a sample": (tarred([("000000.jpg", GREY), *SOUND]), "has 2 pictures"),
    "a file twice": (tarred([*SOUND[:1], *SOUND]), "has 1 pictures in 3 files"),
    "a sample in two places": (tarred([*SOUND, SOUND[0]]), "are scattered"),
    "other channels": (tarred([("000000.png", GREY), SOUND[1]]), "has the mode L"),
    "a damaged picture": (tarred([("000000.png", b"no"), SOUND[1]]), "not a valid PNG or JPEG"),
    "a stranger": (tarred([("000000.pyd", b""), *SOUND]), "'000000.pyd', which isn't one of"),
    "a name that leads out": (tarred([("../000000.png", b"")]), "leads out"),
    "a link": (tarred(SOUND, type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0), "is a link"),
    "a device": (tarred(SOUND, type=tarfile.CHRTYPE, size=0), "a device"),
    "a long name of exabytes": (claiming(2**62, b"L"), "a head claims"),
    "a pax head of exabytes": (claiming(2**62, b"x"), "a head claims"),
    "a pax head of less than nothing": (claiming(-1024, b"x"), "a head claims -1,024 bytes"),
    "a file of less than nothing": (claiming(-1024, b"0"), "has -1,024 bytes"),
    "heads without end": ((claiming(0, b"L")[:512] * 3000) + bytes(10_240), "not a valid tar file"),
    "a line in a name": (tarred([("a\n.png", b"")]), "which isn't a plain name"),
    "a huge file": (tarred([("a.png", bytes(2**25 + 1))]), "has 33,554,433 bytes; at most"),
    "no tar": (b"no tar" * 200, "not a valid tar file"),
    "empty": (b"", "it is empty"),
    "a page": (b"<html>" * 200, "set.tar: it is a web page"),
    "no sample": (tarred([]), "holds no picture"),
    "cut off in a file": (tarred(SOUND)[:700], "not a valid tar file|cut off"),
    "cut off between files": (cut(tarred(SOUND)), "cut off or damaged"),
    "a damaged head": (damaged_head(tarred(SOUND)), "cut off or damaged at byte 2,048"),
}


@pytest.mark.parametrize(("data", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_tar_is_refused_in_one_sentence(tmp_path: Path, data: bytes, sentence: str):
    with pytest.raises(ValueError, match=sentence) as error:
        opened(tmp_path / "set.tar", data).train()
    assert "set.tar" in str(error.value)


def test_a_compressed_tar_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"'set.tar.gz' is not a .tar; unpack"):
        opened(tmp_path / "set.tar.gz", b"\x1f\x8b").train()


def test_a_set_larger_than_its_memory_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="more than in_memory_bytes, 100"):
        opened(tmp_path / "set.tar", tarred(SOUND), in_memory_bytes=100).train()


def test_the_tars_are_read_by_their_kind():
    document = {"kind": "image-tars", "source": "a.tar", "shape": [3, 4, 4]}
    assert parse(ImageTarsData, document, "data set").shape == SHAPE


BESIDE = (
    *("00000.parquet", "00000_stats.json", "_tmp/0.feather", "00000.tar.idx", "00000.index"),
    *(".DS_Store", "._00000.tar", "Thumbs.db", "README.md", "LICENSE", "info.txt", "_SUCCESS"),
)


def test_what_img2dataset_leaves_beside_its_tars_is_stepped_over(tmp_path: Path):
    (tmp_path / "00000.tar").write_bytes(tarred(samples(range(4))))
    (tmp_path / "_tmp").mkdir()
    for name in BESIDE:
        (tmp_path / name).write_text("")
    (tmp_path / "00001.tar").write_bytes(tarred([]))  # a shard of which every download failed
    assert len(opened(tmp_path).train()) == len(opened(tmp_path / "00000.tar").train())
    for name in ("00002.tar.gz", "a.jpg", "b.tar.zst"):
        (tmp_path / name).write_text("")
        with pytest.raises(ValueError, match=rf"'{name}' is not a \.tar"):
            opened(tmp_path).train()
        (tmp_path / name).unlink()
