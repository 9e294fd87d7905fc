"""Pickled tensors of GET are read by a reader that executes nothing, and imported as any other pairs."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from published_sets import Made, made, write_get
from refusals import bounded

from storage.folders import Folder
from storage.importers import import_pairs
from storage.importers.torch_files import tensors_in
from storage.store import PairStore


def imported(home: Folder, source: Path, **options) -> PairStore:
    result = import_pairs("get", source, home, name="set", layout="wds-16", **options)
    return PairStore.open(result.folder, split="train", layout="wds-16")


@pytest.fixture
def pairs() -> Made:
    return made(30, scale=1.0)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("has_label", [True, False])
def test_sets_of_both_scripts_are_read_in_both_formats_of_torch(
    home: Folder, tmp_path: Path, pairs: Made, has_label: bool, is_zip: bool
) -> None:
    save = {"_use_new_zipfile_serialization": is_zip}
    store = imported(home, write_get(tmp_path / "set", pairs, has_label=has_label, **save))
    found = store.load(30).pairs
    assert store.schema.noise.scale == 1
    assert np.array_equal(found.x_T, pairs.x_T)
    assert np.array_equal(found.x_0, pairs.x_0)
    assert np.array_equal(found.label, pairs.label) if has_label else found.label is None


def test_the_numbers_decide_which_folder_is_noise(
    home: Folder, tmp_path: Path, pairs: Made
) -> None:
    source = write_get(tmp_path / "set", pairs)
    (source / "latent").rename(source / "aside")
    (source / "image").rename(source / "latent")
    (source / "aside").rename(source / "image")
    assert np.array_equal(imported(home, source).load(30).pairs.x_T, pairs.x_T)


def test_a_given_noise_scale_makes_x_T_the_samplers_start(
    home: Folder, tmp_path: Path, pairs: Made
) -> None:
    store = imported(home, write_get(tmp_path / "set", pairs), noise_scale=80)
    expected = (pairs.x_T.astype(np.float64) * 80).astype(np.float32)
    assert store.schema.noise.scale == 80
    assert np.array_equal(store.load(30).pairs.x_T, expected)


def test_a_noise_scale_is_not_applied_twice(home: Folder, tmp_path: Path) -> None:
    source = write_get(tmp_path / "set", made(30, scale=80.0))
    assert imported(home, source, noise_scale=80).schema.noise.scale == 80
    with pytest.raises(ValueError, match=r"noise_scale is 3.0, but the noise has .* of 80"):
        imported(home, source, noise_scale=3)


def test_rows_follow_the_numbers_in_the_files_names(
    home: Folder, tmp_path: Path, pairs: Made
) -> None:
    source = write_get(tmp_path / "set", pairs, files=3)
    for kind in ("latent", "image"):
        (source / kind / "000000029.pkl").rename(source / kind / "1000000029.pkl")
    assert np.array_equal(imported(home, source).load(30).pairs.x_0, pairs.x_0)


def test_files_that_do_not_belong_together_are_refused_by_name(
    home: Folder, tmp_path: Path, pairs: Made
) -> None:
    source = write_get(tmp_path / "set", pairs)
    (source / "image" / "000000014.pkl").rename(source / "image" / "000000013.pkl")
    with pytest.raises(ValueError, match=r"has '000000013.pkl' in only one of"):
        imported(home, source)
    torch.save(torch.zeros(14, 3, 32, 32), source / "image" / "000000014.pkl")
    (source / "image" / "000000013.pkl").unlink()
    with pytest.raises(ValueError, match=r"'latent/000000014.pkl' and 'image/000000014.pkl' are"):
        imported(home, source)


def test_a_label_that_is_not_one_hot_is_refused_by_its_row(
    home: Folder, tmp_path: Path, pairs: Made
) -> None:
    source = write_get(tmp_path / "set", pairs, has_label=True)
    latent, label = torch.load(source / "latent" / "000000029.pkl", weights_only=True)
    label[3, 3] = float("nan")
    torch.save([latent, label], source / "latent" / "000000029.pkl")
    with pytest.raises(ValueError, match=r"row 3 of .*000000029.pkl has the label"):
        imported(home, source)


TENSORS = {
    "float64": torch.randn(7, 3, 4, 5).double(),
    "float16": torch.randn(7, 3).half(),
    "a view": torch.randn(19, 3, 2)[3:10],
    "channels last": torch.randn(7, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "an axis of one": torch.randn(7, 1, 4, 1),
    "one row": torch.randn(1, 3, 4, 5),
}


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_rows_are_those_of_the_saved_tensor(
    tmp_path: Path, tensor: torch.Tensor, is_zip: bool
) -> None:
    torch.save(tensor, tmp_path / "a.pkl", _use_new_zipfile_serialization=is_zip)
    (rows,) = tensors_in(tmp_path / "a.pkl")
    assert rows.shape == tuple(tensor.shape)
    assert np.array_equal(rows.rows(0, len(rows)), tensor.numpy())
    assert np.array_equal(rows.rows(len(rows) // 2, len(rows)), tensor[len(rows) // 2 :].numpy())


# --- what a stranger may write ---------------------------------------------------------------------

CANARY = "canary-has-sung"


class Sings:
    """Touches a file where it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {CANARY}",)


def text(value: bytes) -> bytes:
    """A BINUNICODE."""
    return b"X" + len(value).to_bytes(4, "little") + value


STORAGE = (
    b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\x08tQ"
)
TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"%s\x89ccollections\nOrderedDict\n)RtR."
)
SOUND = TENSOR % b"K\0(K\2K\4t(K\4K\1t"  # eight numbers as two rows
SYSTEM = b"touch " + CANARY.encode()
EXEC = b"import os; os.system('" + SYSTEM + b"')"
CALLS = {
    "inst": b"(" + text(SYSTEM) + b"ios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'" + SYSTEM + b"'\no.",
    "global and reduce": b"cos\nsystem\n(S'" + SYSTEM + b"'\ntR.",
    "exec": b"cbuiltins\nexec\n(" + text(EXEC) + b"tR.",
    "posix": b"\x80\2cposix\nsystem\n(" + text(SYSTEM) + b"tR.",
    "an allowed name, then another": b"\x80\2ccollections\nOrderedDict\n0cos\nsystem\n)R.",
    "a method of an allowed name": b"\x80\2ccollections\nOrderedDict.fromkeys\n(]tR.",
    "dotted stack global": b"\x80\4\x8c\x0ccollections\x8c\x13OrderedDict.__init__\x93.",
    "a name with a space": b"\x80\2ctorch FloatStorage\nos\n.",
    "ext1": b"\x80\2\x82\1.",
    "ext2": b"\x80\2\x83\1\0.",
    "ext4": b"\x80\2\x84\1\0\0\0.",
    "newobj": b"\x80\2cos\n_wrap_close\n)\x81.",
    "newobj_ex": b"\x80\4cos\n_wrap_close\n)}\x92.",
    "build": SOUND[:-1] + b"}" + text(b"a") + b"K\1sb.",
    "build with __setstate__": SOUND[:-1] + b"}" + text(b"__setstate__") + b"cos\nsystem\nsb.",
    "a persistent id in text": b"Pcos\nsystem\n.",
    "a persistent id that is no tuple": b"\x80\2" + text(b"system") + b"Q.",
    "a persistent id of another kind": SOUND.replace(b"storage", b"modules", 1),
    "a storage of another type": SOUND.replace(b"FloatStorage", b"save"),
    "a storage key that leads out": SOUND.replace(text(b"0"), text(b"../..")),
    "rebuild called with a call": TENSOR % b"cos\nsystem\n(K\2t(K\1t",
    "another rebuild": SOUND.replace(b"_rebuild_tensor_v2", b"_rebuild_parameter"),
    "a call of a tensor": SOUND[:-1] + b")R.",
    "a buffer of another": b"\x80\5\x97.",
    "nothing": b"\x80\2.",
    "no end": SOUND[:-1],
    "two values": SOUND[:-1] + SOUND,
    "a stack that is empty": b"\x80\2R.",
    "a mark that is missing": b"\x80\2t.",
    "a memo that is empty": b"\x80\2h\7.",
    "a string without end": b"\x80\2X\xff\xff\xff\xff.",
    "a list of itself": b"\x80\2]q\0h\0a.",
    "deep": b"\x80\2" + b"(" * 30_000 + b"t" * 30_000 + b".",
    "a long list": b"\x80\2]" + b"(K\1e" * 16_000 + b".",
}
SHAPES = {
    "more than there is": b"K\0(K\3K\4t(K\4K\1t",
    "beyond the end": b"K\1(K\2K\4t(K\4K\1t",
    "repeated by a stride of 0": b"K\0(M\xff\xffK\4t(K\0K\1t",
    "overlapping rows": b"K\0(K\3K\4t(K\2K\1t",
    "rows apart": b"K\0(K\1K\2t(K\2K\2t",
    "negative": b"J\xff\xff\xff\xff(K\2K\4t(K\4K\1t",
    "a negative stride": b"K\7(K\2K\4t(J\xfc\xff\xff\xffK\1t",
    "too large": b"K\0(\x8a\x09" + b"\xff" * 8 + b"\0K\4t(K\4K\1t",
    "a bool": b"K\0(\x88K\4t(K\4K\1t",
    "no axes": b"K\0))",
    "no rows": b"K\0(K\0K\4t(K\4K\1t",
    "axes without strides": b"K\0(K\2K\4t(K\4t",
}


def zipped(described: bytes, *, numbers: bytes = bytes(32), **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {"data.pkl": described, "data/0": numbers, **members}.items():
            archive.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def require_refused(place: Path, data: bytes) -> None:
    (place / "a.pkl").write_bytes(data)
    with bounded(), pytest.raises(ValueError):  # noqa: PT011
        tensors_in(place / "a.pkl")
    assert not Path(CANARY).exists()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working one, so that a canary would sing there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_canary_sings_where_a_file_is_unpickled(place: Path) -> None:
    pickle.loads(CALLS["inst"])  # noqa: S301
    assert Path(CANARY).exists()


def test_a_plain_tensor_is_not_refused(place: Path) -> None:
    (place / "a.pkl").write_bytes(zipped(SOUND))
    assert tensors_in(place / "a.pkl")[0].rows(0, 2).tolist() == [[0] * 4] * 2


@pytest.mark.parametrize("described", CALLS.values(), ids=CALLS)
def test_a_pickle_that_calls_is_refused_and_the_canary_silent(
    place: Path, described: bytes
) -> None:
    require_refused(place, zipped(described))
    require_refused(place, described)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [Sings(), [Sings()], {"a": Sings()}, (torch.Size([2]), Sings())])
def test_no_protocol_makes_the_canary_sing(place: Path, value: object, protocol: int) -> None:
    require_refused(place, zipped(pickle.dumps(value, protocol)))
    require_refused(place, pickle.dumps(value, protocol))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_tensor_that_is_not_its_numbers_row_by_row_is_refused(place: Path, shape: bytes) -> None:
    require_refused(place, zipped(TENSOR % shape))


@pytest.mark.parametrize(
    "data",
    [
        zipped(SOUND, numbers=bytes(28)),
        zipped(SOUND, numbers=bytes(36)),
        zipped(SOUND.replace(b"K\x08tQ", b"M\xff\xfftQ")),
        zipped(SOUND, byteorder=b"big"),
        zipped(SOUND, **{"code/__torch__.py": b"import os"}),
        zipped(SOUND, **{"data/../../x": b""}),
        zipped(SOUND, **{"data.pkl": b"\x80\2}" + bytes(10**6)}),
        zipped(SOUND)[:-7],
    ],
    ids=["less", "more", "declared", "big", "script", "outside", "large", "cut"],
)
def test_a_zip_that_is_not_a_saved_tensors_is_refused(place: Path, data: bytes) -> None:
    require_refused(place, data)


@pytest.mark.parametrize("is_zip", [True, False])
def test_no_flipped_bit_in_the_description_does_more_than_change_numbers(
    place: Path, is_zip: bool
) -> None:
    torch.save(torch.zeros(2, 4), place / "sound.pkl", _use_new_zipfile_serialization=is_zip)
    sound = (place / "sound.pkl").read_bytes()
    for bit in range(0, 8 * len(sound), 11):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        (place / "a.pkl").write_bytes(flipped)
        try:
            for tensor in tensors_in(place / "a.pkl"):
                assert tensor.rows(0, len(tensor)).nbytes <= 32
        except ValueError:
            continue


def test_a_model_is_no_pair(place: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), place / "model.pkl")
    with pytest.raises(ValueError, match=r"names 'torch.nn.modules.linear.Linear'"):
        tensors_in(place / "model.pkl")
