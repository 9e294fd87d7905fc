"""KDM's folders of .npz are imported by what their numbers say; what is not clear is refused by name."""

import io
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from photographs import photographs
from published_sets import KDM_LAYOUTS, Layout, Made, made, on_grid, write_kdm
from refusals import bounded

from storage.folders import Folder
from storage.importers import import_pairs
from storage.records import PairBatch
from storage.store import PairStore

LAYOUT = KDM_LAYOUTS["cifar"]


def imported(home: Folder, source: Path, **options) -> PairStore:
    result = import_pairs("kdm-npz", source, home, name="set", layout="wds-16", **options)
    return PairStore.open(result.folder, split="train", layout="wds-16")


def loaded(store: PairStore) -> PairBatch:
    return store.load(store.limit).pairs


@pytest.fixture(scope="session")
def real() -> np.ndarray:
    """24 pictures, float32 [24, 3, 32, 32] on the 8-bit grid."""
    return (photographs(24) / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize("is_swapped", [False, True])
@pytest.mark.parametrize("layout", KDM_LAYOUTS.values(), ids=KDM_LAYOUTS)
def test_each_variant_is_told_by_its_numbers_in_either_order(
    home: Folder, tmp_path: Path, layout: Layout, is_swapped: bool
) -> None:
    pairs = made(20, scale=layout.scale)
    layout = layout._replace(noise_is_first=layout.noise_is_first != is_swapped)
    store = imported(home, write_kdm(tmp_path / "set", pairs, layout))
    found = loaded(store)
    assert store.schema.noise.scale == layout.scale
    assert np.array_equal(found.x_T, pairs.x_T)
    assert np.array_equal(found.x_0, pairs.x_0)
    assert not layout.has_label or np.array_equal(found.label, pairs.label)


@pytest.mark.parametrize("is_swapped", [False, True])
@pytest.mark.parametrize("layout", KDM_LAYOUTS.values(), ids=KDM_LAYOUTS)
def test_real_pictures_are_told_from_noise(
    home: Folder, tmp_path: Path, real: np.ndarray, layout: Layout, is_swapped: bool
) -> None:
    pairs = made(24, scale=layout.scale, x_0=real)
    layout = layout._replace(noise_is_first=layout.noise_is_first != is_swapped)
    store = imported(home, write_kdm(tmp_path / "set", pairs, layout))
    assert store.schema.noise.scale == layout.scale
    assert np.array_equal(loaded(store).x_0, real)


@pytest.mark.parametrize("num_swapped", [1, 10])
def test_a_folder_of_both_orders_is_refused_by_the_name_of_a_file(
    home: Folder, tmp_path: Path, num_swapped: int
) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    for file in sorted(source.iterdir())[5 : 5 + num_swapped]:
        np.savez(file, arr_0=np.load(file)["arr_0"][::-1])
    with pytest.raises(ValueError, match=r"000005.npz"):
        imported(home, source)
    assert not home.exists()


@pytest.mark.parametrize("end", ["x_T", "x_0"])
def test_a_set_with_one_kind_of_end_is_refused_with_the_statistics_of_both(
    home: Folder, tmp_path: Path, end: str
) -> None:
    one, other = made(20), made(20, seed=1)
    pairs = Made(getattr(one, end), getattr(other, end), one.label)
    with pytest.raises(ValueError, match=r"cannot tell noise from data.*first: mean.*last: mean"):
        imported(home, write_kdm(tmp_path / "set", pairs, LAYOUT))


def test_one_file_of_other_noise_is_refused_by_name(home: Folder, tmp_path: Path) -> None:
    pairs = made(20)
    pairs.x_T[7] *= 0.5
    with pytest.raises(ValueError, match=r"000007.npz doesn't have that noise first"):
        imported(home, write_kdm(tmp_path / "set", pairs, LAYOUT))


@pytest.mark.parametrize("noise_is_first", [False, True])
def test_states_are_kept_in_order_from_noise_to_data(
    home: Folder, tmp_path: Path, noise_is_first: bool
) -> None:
    pairs = made(20)
    between = np.stack([w * pairs.x_T + (1 - w) * pairs.x_0 for w in (0.75, 0.5, 0.25)], axis=1)
    layout = LAYOUT._replace(noise_is_first=noise_is_first)
    source = write_kdm(tmp_path / "set", pairs, layout, between=between.astype(np.float32))
    assert np.array_equal(loaded(imported(home, source, keep_states=True)).states, between)
    assert loaded(imported(home, source)).states is None


@pytest.mark.parametrize(
    "label",
    [
        [0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, np.nan],
        [1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0] * 10,
        [1, 0, 0],
        [2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    ids=["soft", "nan", "two", "none", "short", "two-hot"],
)
def test_a_label_that_is_not_one_hot_is_refused_by_the_name_of_its_file(
    home: Folder, tmp_path: Path, label: list[float]
) -> None:
    source = write_kdm(tmp_path / "set", made(20), KDM_LAYOUTS["cifar-cond"])
    states = np.load(source / "000003.npz")["endpoints"]
    np.savez(source / "000003.npz", endpoints=states, label=np.array(label, np.float32))
    with pytest.raises(ValueError, match=r"000003.npz"):
        imported(home, source)


def test_eight_bit_pictures_are_found_and_stored_in_bytes_without_loss(
    home: Folder, tmp_path: Path
) -> None:
    pairs = made(20)
    pairs.x_0 = on_grid(pairs.x_0)
    source = write_kdm(tmp_path / "set", pairs, LAYOUT)
    offered = import_pairs("kdm-npz", source, home, name="set").advice
    stored = loaded(imported(home, source, x_0_dtype="uint8")).x_0
    assert offered == "x_0_dtype=uint8 holds the same 8-bit pictures"
    assert stored.dtype == np.uint8
    assert np.abs(stored / 127.5 - 1 - pairs.x_0).max() < 1e-6


@pytest.mark.parametrize("option", ["x_0_dtype=uint8", "x_0_dtype=float16", "x_T_dtype=float16"])
def test_no_value_is_rounded_unless_it_is_asked_for(
    home: Folder, tmp_path: Path, option: str
) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    name, _, dtype = option.partition("=")
    with pytest.raises(ValueError, match=f"{dtype} cannot hold {name[:3]} of .*00.npz exactly"):
        imported(home, source, **{name: dtype})
    store = imported(home, source, **{name: dtype}, lossy=True)
    assert store.spec["rounded"] == [name[:3]]
    assert getattr(loaded(store), name[:3]).dtype == dtype


def test_half_precision_is_kept_as_it_was_published(home: Folder, tmp_path: Path) -> None:
    pairs = made(20)
    pairs = Made(pairs.x_T.astype(np.float16), pairs.x_0.astype(np.float16), pairs.label)
    source = write_kdm(tmp_path / "set", pairs, LAYOUT)
    store = imported(home, source, x_0_dtype="float16", x_T_dtype="float16")
    assert np.array_equal(loaded(store).x_T, pairs.x_T)
    assert store.schema.noise.scale == 80
    assert "rounded" not in store.spec


def test_few_invalid_pairs_are_left_out_with_their_reason_and_many_are_refused(
    home: Folder, tmp_path: Path
) -> None:
    pairs = small_pairs(2000)
    pairs.x_0[7, 0], pairs.x_T[1500, 0] = np.nan, np.inf
    source = write_kdm(tmp_path / "set", pairs, LAYOUT)
    store = imported(home, source)
    assert len(loaded(store)) == 1998
    assert store.record(0).dropped == {"nan": [7]}
    np.savez(source / "000001.npz", arr_0=np.full((2, 8), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"000001.npz holds NaN or Inf, and so do 3 or more"):
        imported(home, source)


def small_pairs(num: int) -> Made:
    """Pairs of eight numbers: too few to tell noise from data by one alone."""
    draw = np.random.RandomState(3)
    x_T = draw.standard_normal((num, 8)).astype(np.float32)
    return Made(x_T, draw.uniform(-1, 1, (num, 8)).astype(np.float32), np.zeros(num, np.int64))


def test_small_samples_are_judged_in_groups(home: Folder, tmp_path: Path) -> None:
    pairs = small_pairs(2000)
    pairs.x_T[1000:1500], pairs.x_0[1000:1500] = pairs.x_0[1000:1500], pairs.x_T[1000:1500]
    with pytest.raises(ValueError, match=r"cannot tell|000512.npz to .*001023.npz|001024.npz to"):
        imported(home, write_kdm(tmp_path / "set", pairs, LAYOUT))


def test_importing_again_changes_nothing_and_goes_on_where_it_was_stopped(
    home: Folder, tmp_path: Path
) -> None:
    source = write_kdm(tmp_path / "set", made(40), LAYOUT)
    first = imported(home, source)
    contents = first.content_digests(40)
    kept = first.shards.local_path(first.record(0).file)
    before = kept.stat().st_mtime_ns
    first.shards.remove(first.record(1).file)
    assert import_pairs("kdm-npz", source, home, name="set", layout="wds-16").was_missing
    again = imported(home, source)
    assert again.content_digests(40) == contents
    assert again.load(40).count == 40
    assert kept.stat().st_mtime_ns == before


def test_the_source_is_named_by_what_sha256sum_says(home: Folder, tmp_path: Path) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    (source / ".listed-by-nobody").write_text("")
    command = "sha256sum *.npz | sha256sum"
    said = subprocess.run(["sh", "-c", command], cwd=source, capture_output=True, check=True)
    assert imported(home, source).spec["source_sha256"] == said.stdout.decode().split()[0]


def test_rows_are_the_files_by_name_and_what_is_not_held_out_is_trained_on(
    home: Folder, tmp_path: Path
) -> None:
    pairs = made(20)
    source = write_kdm(tmp_path / "set", pairs, LAYOUT)
    store = imported(home, source, rows={"heldout": (0, 5)})
    heldout = PairStore.open(store.folder, split="heldout", layout="wds-16")
    assert np.array_equal(loaded(store).x_0, pairs.x_0[5:])
    assert np.array_equal(loaded(heldout).x_0, pairs.x_0[:5])
    with pytest.raises(ValueError, match=r"do not leave one piece of 0:20 for 'train'"):
        imported(home, source, rows={"heldout": (5, 10)})


def test_a_file_that_changes_while_it_is_imported_is_refused(home: Folder, tmp_path: Path) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    other = write_kdm(tmp_path / "other", made(20, seed=1), LAYOUT)

    def change(_done: int, _total: int) -> None:
        (source / "000003.npz").write_bytes((other / "000003.npz").read_bytes())

    with pytest.raises(ValueError, match=r"000003.npz changed while it was read"):
        imported(home, source, report=change)


def test_progress_ends_at_its_total(home: Folder, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    source = write_kdm(tmp_path / "set", made(40), LAYOUT)
    imported(home, source, rows={"heldout": (0, 8)}, report=lambda *each: told.append(each))
    assert told[-1] == (80, 80)
    assert told == sorted(told)


def replaced(tmp_path: Path, data: bytes) -> Path:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    (source / "000004.npz").write_bytes(data)
    return source


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()  # and the lowest level: half a gigabyte is packed in a second
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(shape: str, *, descr: str = "'<f4'", numbers: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + numbers


def saved(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def understated() -> bytes:
    """A packed 64 MB that its head and the list of members call 24,704 bytes."""
    data = npz({"arr_0.npy": bytes(2**26)}, zipfile.ZIP_DEFLATED)
    true, told = (2**26).to_bytes(4, "little"), (24_704).to_bytes(4, "little")
    assert data.count(true) == 2
    return data.replace(true, told)


PAIR = np.zeros((2, 3, 32, 32), np.float32)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "not a zip": lambda: b"PK\3\4" + bytes(100),
    "empty": lambda: b"",
    "a list of nothing": lambda: npz({}),
    "cut off": lambda: saved(arr_0=PAIR)[:-100],
    "a pickled object": lambda: saved(arr_0=np.array([{"a": 1}, 2], object)),
    "another name": lambda: saved(arr_1=PAIR),
    "a name that leads out": lambda: npz(
        {"../arr_0.npy": npy("(2, 3, 32, 32)", numbers=PAIR.tobytes())}
    ),
    "two arrays": lambda: saved(arr_0=PAIR, arr1=PAIR),
    "a script beside it": lambda: npz(
        {"arr_0.npy": npy("(2, 1)", numbers=bytes(8)), "run.py": b"print()"}
    ),
    "more than there is": lambda: npz({"arr_0.npy": npy("(1000000, 3, 32, 32)")}),
    "a product beyond 2^64": lambda: npz(
        {"arr_0.npy": npy("(9999999999, 9999999999, 9999999999)")}
    ),
    "a deep header": lambda: npz({"arr_0.npy": npy("(" * 900 + ")" * 900)}),
    "a header that calls": lambda: npz({"arr_0.npy": npy("__import__('os').abort()")}),
    "a packed bomb": lambda: npz({"arr_0.npy": bytes(2**29)}, zipfile.ZIP_DEFLATED),
    "a packed bomb that lies": understated,
    "digits without end": lambda: npz({"arr_0.npy": npy("(" + "1" * 80 + "x)")}),
    "members by the thousand": lambda: npz({f"{number}.npy": b"" for number in range(5000)}),
    "other numbers": lambda: saved(arr_0=np.zeros((2, 3, 32, 32), np.int64)),
    "one state": lambda: saved(arr_0=PAIR[:1]),
    "another shape": lambda: saved(arr_0=np.zeros((2, 3, 64, 64), np.float32)),
    "another type": lambda: saved(arr_0=PAIR.astype(np.float64)),
    "another key": lambda: saved(arr1=PAIR),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_by_name_in_seconds(
    home: Folder, tmp_path: Path, data: Callable[[], bytes]
) -> None:
    source = replaced(tmp_path, data())
    with bounded(), pytest.raises(ValueError, match=r"000004.npz"):
        imported(home, source)
    assert not home.exists()


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_flipped_bit_in_a_files_heads_is_refused_or_changes_nothing(
    home: Folder, tmp_path: Path, place: int
) -> None:
    sound = saved(arr_0=np.stack([made(5).x_T[4], made(5).x_0[4]]))
    flipped = bytearray(sound)
    at = place if place < 150 else place - 300  # from either end
    flipped[at] ^= 1 << place % 8
    try:
        found = loaded(imported(home, replaced(tmp_path, bytes(flipped))))
    except ValueError as error:
        assert "000004.npz" in str(error)  # noqa: PT017
    else:
        assert np.array_equal(found.x_0[4], made(5).x_0[4])


@pytest.mark.parametrize("name", ["readme.txt", "two\nlines.npz", "pipe.npz", "folder.npz"])
def test_a_folder_with_anything_else_is_refused(home: Folder, tmp_path: Path, name: str) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    if name == "pipe.npz":
        os.mkfifo(source / name)
    elif name == "folder.npz":
        (source / name).mkdir()
    else:
        (source / name).write_bytes((source / "000000.npz").read_bytes())
    with pytest.raises(ValueError, match=r"is not an .npz file"):
        imported(home, source)


@pytest.mark.parametrize(
    ("importer", "options", "sentence"),
    [
        ("kdm", {}, "did you mean 'kdm-npz'"),
        ("kdm-npz", {"keep_state": True}, "did you mean 'keep_states'"),
        ("kdm-npz", {"noise_scale": 80}, "noise_scale is for importer get"),
        ("kdm-npz", {"keep_states": True}, "has 0 states between its ends"),
        ("kdm-checkerboard", {"lossy": True}, "takes no option but noise_end"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(
    home: Folder, tmp_path: Path, importer: str, options: dict, sentence: str
) -> None:
    source = write_kdm(tmp_path / "set", made(20), LAYOUT)
    with pytest.raises(ValueError, match=sentence):
        import_pairs(importer, source, home, name="set", **options)


def small(folder: Path, num: int, shape: tuple[int, ...]) -> Path:
    """Noise of scale 1, then uniform data, one file a pair."""
    draw = np.random.RandomState(0)
    folder.mkdir()
    for row in range(num):
        states = [draw.standard_normal(shape), draw.uniform(-1, 1, shape)]
        np.savez(folder / f"{row:06d}.npz", arr_0=np.stack(states).astype(np.float32))
    return folder


@pytest.mark.parametrize("num", [65, 256, 257, 260, 288, 511, 513])
def test_the_remainder_of_a_set_of_small_samples_decides_nothing(
    home: Folder, tmp_path: Path, num: int
) -> None:
    store = imported(home, small(tmp_path / "set", num, (1, 4, 4)))
    assert store.limit == num
    assert abs(loaded(store).x_0).max() <= 1
    assert abs(loaded(store).x_T).max() > 1


def test_left_out_pairs_move_no_verdict(home: Folder, tmp_path: Path) -> None:
    source = small(tmp_path / "set", 1025, (1, 4, 4))
    np.savez(source / "000003.npz", arr_0=np.full((2, 1, 4, 4), np.nan, np.float32))
    store = imported(home, source)
    assert len(loaded(store)) == 1024


def test_a_stated_end_is_in_the_name_only_where_the_numbers_do_not_tell(
    home: Folder, tmp_path: Path
) -> None:
    clear = small(tmp_path / "clear", 100, (1, 4, 4))
    assert imported(home, clear, noise_end="first").folder == imported(home, clear).folder
    few = small(tmp_path / "few", 20, (1, 4, 4))
    first, last = (imported(home, few, noise_end=end) for end in ("first", "last"))
    assert first.spec["noise_end"] == "first"
    assert first.folder != last.folder
    assert np.array_equal(loaded(first).x_0, loaded(last).x_T)
