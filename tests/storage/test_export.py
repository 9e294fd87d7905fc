"""What is exported is what is stored, in layouts that others read; a masked pair never leaves."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import filled_store
from published_sets import KDM_LAYOUTS, Layout, made, on_grid, write_kdm

from storage.errors import MismatchError
from storage.exporters.as_kdm_npz import VARIANTS, export_kdm_npz
from storage.exporters.as_per_sample import export_per_sample
from storage.exporters.export import Chosen
from storage.folders import Folder, folder_at
from storage.importers import import_pairs
from storage.masks import Mask, write_decision
from storage.store import PairStore

NUM = 40
EXPORTS = [export_kdm_npz, partial(export_per_sample, samples_a_tar=100)]


def imported(home: Folder, source: Path, **options) -> PairStore:
    result = import_pairs("kdm-npz", source, home, name="set", layout="wds-16", **options)
    return PairStore.open(result.folder, split="train", layout="wds-16")


def at(path: Path) -> Folder:
    return folder_at(str(path))


OPTIONS = {
    "float32": {},
    "states": {"keep_states": True},
    "bytes": {"x_0_dtype": "uint8"},
    "halves": {"x_0_dtype": "float16", "x_T_dtype": "float16"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_exported_set_is_imported_with_equal_content(
    home: Folder, tmp_path: Path, variant: str, options: dict
) -> None:
    store = stored(home, tmp_path, KDM_LAYOUTS[variant], options)
    assert export_kdm_npz(Chosen.of(store, NUM), at(tmp_path / "out"), variant=variant) == NUM
    again = imported(at(tmp_path / "again"), tmp_path / "out", **options)
    assert again.content_digests(NUM) == store.content_digests(NUM)
    assert again.schema == store.schema


def stored(home: Folder, tmp_path: Path, layout: Layout, options: dict) -> PairStore:
    """An imported set of NUM pairs that the options' types hold exactly."""
    pairs = made(NUM, scale=layout.scale)
    pairs.x_0 = on_grid(pairs.x_0) if options.get("x_0_dtype") == "uint8" else halves(pairs.x_0)
    pairs.x_T = halves(pairs.x_T)
    between = np.stack([0.5 * pairs.x_T, 0.1 * pairs.x_T], axis=1)
    return imported(home, write_kdm(tmp_path / "set", pairs, layout, between=between), **options)


def halves(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float16).astype(np.float32)


def test_the_published_loaders_way_of_reading_finds_both_ends(home: Folder, tmp_path: Path) -> None:
    store = stored(home, tmp_path, KDM_LAYOUTS["cifar-cond"], {})
    export_kdm_npz(Chosen.of(store, NUM), at(tmp_path / "out"))
    pairs = store.load(NUM).pairs
    assert len(list((tmp_path / "out").glob("*.npz"))) == NUM
    for row in range(0, NUM, 7):
        data = np.load(tmp_path / "out" / f"{row:09d}.npz")
        assert np.array_equal(data["endpoints"][0], pairs.x_0[row])
        assert np.array_equal(data["endpoints"][-1], pairs.x_T[row])
        assert data["label"].dtype == np.float32
        assert data["label"].argmax() == pairs.label[row]


def test_derived_noise_is_written_out(home: Folder, tmp_path: Path) -> None:
    store = filled_store(home / "set")
    assert export_kdm_npz(Chosen.of(store, 300), at(tmp_path / "out")) == 299  # index 7 was dropped
    pairs = store.load(300).pairs
    names = sorted(path.name for path in (tmp_path / "out").glob("*.npz"))
    assert names == [f"{index:09d}.npz" for index in pairs.index]
    last = np.load(tmp_path / "out" / names[-1])["arr_0"]
    assert np.array_equal(last, np.stack([pairs.x_T[-1], pairs.x_0[-1]]))


def test_plain_webdataset_reads_one_record_a_sample(home: Folder, tmp_path: Path) -> None:
    import webdataset

    store = stored(home, tmp_path, KDM_LAYOUTS["cifar-cond"], {"x_0_dtype": "uint8"})
    assert export_per_sample(Chosen.of(store, NUM), at(tmp_path / "out"), samples_a_tar=25) == NUM
    urls = [f"file:{path}" for path in sorted((tmp_path / "out").glob("*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode())
    pairs = store.load(NUM).pairs
    assert [sample["__key__"] for sample in samples] == [f"{i:09d}" for i in range(NUM)]
    # webdataset gives names in lower case
    assert np.array_equal(np.stack([sample["x_t.npy"] for sample in samples]), pairs.x_T)
    assert np.array_equal([sample["label.npy"] for sample in samples], pairs.label)
    assert samples[3]["x_0.npy"].dtype == np.float32
    assert np.abs(samples[3]["x_0.npy"] - (pairs.x_0[3] / 127.5 - 1)).max() < 1e-6


def masked(store: PairStore) -> Mask:
    """A decision that drops every third stored row."""
    mask = Mask(score="a" * 64, decision="b" * 64)
    for shard, content in enumerate(store.content_digests(1000)):
        keep = np.arange(len(store.pairs(shard, content))) % 3 > 0
        write_decision(store.base / "masks", mask, content, keep=keep, audit=[])
    return mask


def test_a_masked_pair_is_never_exported(home: Folder, tmp_path: Path) -> None:
    store = filled_store(home / "set")
    masks = [masked(store)]
    kept = [f"{index:09d}" for index in store.load(1000, masks).pairs.index]
    num_files = export_kdm_npz(Chosen.of(store, 1000, masks), at(tmp_path / "npz"))
    assert num_files == export_per_sample(Chosen.of(store, 1000, masks), at(tmp_path / "tar"))
    assert [path.stem for path in sorted((tmp_path / "npz").glob("*.npz"))] == kept


def test_an_export_under_other_masks_does_not_mix_with_one_that_is_there(
    home: Folder, tmp_path: Path
) -> None:
    store = filled_store(home / "set")
    export_kdm_npz(Chosen.of(store, 100), at(tmp_path / "out"))
    with pytest.raises(MismatchError, match=r"an export of other masks"):
        export_kdm_npz(Chosen.of(store, 100, [masked(store)]), at(tmp_path / "out"))
    with pytest.raises(MismatchError, match=r"an export of other .*count"):
        export_kdm_npz(Chosen.of(store, 200, ()), at(tmp_path / "out"))


def test_a_folder_with_something_else_in_it_is_refused(home: Folder, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    with pytest.raises(MismatchError, match=r"holds 'mine.txt', which no export wrote"):
        export_per_sample(Chosen.of(filled_store(home / "set"), 100), at(tmp_path / "out"))


@pytest.mark.parametrize("export", EXPORTS)
def test_a_stopped_export_goes_on_and_leaves_what_is_there(
    home: Folder, tmp_path: Path, export
) -> None:
    store, out = filled_store(home / "set"), tmp_path / "out"
    export(Chosen.of(store, 1000), at(out))
    before = {path: path.read_bytes() for path in out.iterdir()}
    first, *_, last = sorted(path for path in before if not path.name.startswith("."))
    last.write_bytes(b"cut off")
    kept = first.stat().st_mtime_ns
    export(Chosen.of(store, 1000), at(out))
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert first.stat().st_mtime_ns == kept


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_has_equal_bytes_wherever_it_goes(home: Folder, tmp_path: Path, export) -> None:
    store = filled_store(home / "set")
    here, there = at(tmp_path / "out"), folder_at(f"memory://{tmp_path.name}/out")
    for folder in (here, there):
        export(Chosen.of(store, 100), folder)
    assert here.names() == there.names()
    assert here.read_many(here.names()) == there.read_many(there.names())


def test_progress_counts_indices_to_the_end(home: Folder, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    store = filled_store(home / "set")
    export_kdm_npz(
        Chosen.of(store, 300), at(tmp_path / "out"), report=lambda *each: told.append(each)
    )
    assert told == [(256, 300), (300, 300)]


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [("cifar-cond", r"has labels, but this set doesn't"), ("imagenet", r"no variant 'imagenet'")],
)
def test_a_wrong_variant_is_refused_with_a_sentence(
    home: Folder, tmp_path: Path, variant: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        export_kdm_npz(Chosen.of(filled_store(home / "set"), 100), at(tmp_path), variant=variant)


def test_a_damaged_shard_is_found_before_any_of_its_pairs_leaves(
    home: Folder, tmp_path: Path
) -> None:
    filled = filled_store(home / "set")
    store = PairStore.open(filled.folder, split="train", layout=filled.layout)
    file = store.shards.local_path(store.record(1).file)
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    with pytest.raises(Exception, match=file.name):
        export_kdm_npz(Chosen.of(store, 1000), at(tmp_path / "out"))
    assert max(at(tmp_path / "out").names()) < f"{256:09d}"


def test_no_two_exports_have_tars_of_one_name(home: Folder, tmp_path: Path) -> None:
    store = filled_store(home / "set")
    for place, count, masks in (("a", 100, ()), ("b", 200, ()), ("c", 100, [masked(store)])):
        export_per_sample(Chosen.of(store, count, masks), at(tmp_path / place))
    names = [path.name for path in tmp_path.glob("[abc]/*.tar")]
    assert len(names) == len(set(names)) == 3
    assert all(name.startswith("train-") for name in names)
