"""Verification tells each file that is not what it must be, by kind and name, and nothing else."""

import json
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from conftest import SPEC, filled_store, made_pairs
from faults.judged import MASK, judge

from storage.care.verify import faults, spec_faults
from storage.digest import seal, unseal
from storage.folders import Folder, folder_at
from storage.mask_documents import decisions_of
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema
from storage.set_folder import places
from storage.store import PairStore

LAYOUTS = ("wds-256", "zarr-256")


def opened(store: PairStore) -> PairStore:
    return PairStore(store.folder, store.split, store.layout, store.spec)


def made(home: Folder, layout: str = "wds-256") -> PairStore:
    store = filled_store(home, layout=layout)
    judge(store)
    return opened(store)


def told(store: PairStore, *, deep: bool = False) -> list[tuple[str, str]]:
    """Kind and name below the split of every fault."""
    base = f"{store.split}/{store.layout}/"
    return sorted(
        (each.kind, each.file.removeprefix(base)) for each in faults(opened(store), deep=deep)
    )


def files_of(store: PairStore, folder: str) -> list[Path]:
    return sorted(file for file in store.base.local_path(folder).rglob("*") if file.is_file())


def name_of(store: PairStore, file: Path) -> str:
    return str(file.relative_to(store.base.local_path()))


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sound_set_has_no_fault_on_any_file_system(home: Folder, s3: str, layout: str) -> None:
    for folder in (home, folder_at(f"memory://{uuid4().hex}"), folder_at(f"{s3}/{uuid4().hex}")):
        store = made(folder, layout)
        assert faults(store) == faults(store, deep=True) == spec_faults(folder) == []
        assert places(folder) == [("train", layout)]
        assert decisions_of(store.base / "masks") == [MASK]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_file_that_is_changed_or_gone_is_told_and_no_other(home: Folder, layout: str) -> None:
    store = made(home, layout)
    for file in files_of(store, ""):
        name, data = name_of(store, file), file.read_bytes()
        flip(file)
        assert name in {told_name for _, told_name in told(store)}, name
        file.unlink()
        missing = told(store)
        # A manifest may have been the only one: there is no name to give.
        expected = {("missing", name), ("missing", "manifests")}
        assert len(missing) == 1, missing
        assert expected & set(missing), (name, missing)
        file.write_bytes(data)
    assert told(store, deep=True) == []


def test_swapped_shards_are_told_as_such_with_whose_bytes_they_hold(home: Folder) -> None:
    store = made(home)
    first, second, *_ = files_of(store, "shards")
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    found = faults(store)
    assert [each.kind for each in found] == ["swapped", "swapped"]
    assert "holds the bytes of shard 1" in found[0].sentence


@pytest.mark.parametrize(
    ("layout", "kind", "name"),
    [
        ("wds-256", "duplicate", "shards/000001-0123456789ab.tar"),
        ("wds-256", "unrecorded", "shards/000009-0123456789ab.tar"),
        ("wds-256", "foreign", "shards/x.tar"),
        ("zarr-256", "unrecorded", "shards/x_0/c/9/0"),
        ("zarr-256", "foreign", "shards/x_0/d"),
        ("zarr-256", "foreign", "shards/y/c/1/0"),
        ("wds-256", "foreign", "records/1.json"),
        ("wds-256", "foreign", "a"),
        ("wds-256", "extra", "audit/000001.json"),
        ("wds-256", "extra", f"masks/{MASK.score[:12]}/scores/{'0' * 64}.json"),
        ("wds-256", "foreign", f"masks/{MASK.score[:12]}/scores/x.json"),
        ("wds-256", "foreign", f"masks/{MASK.score[:12]}/scores/decision.json"),
    ],
)
def test_a_file_that_nothing_speaks_for_is_told(
    home: Folder, layout: str, kind: str, name: str
) -> None:
    store = made(home, layout)
    store.base.create(name, b"{}")
    assert told(store) == [(kind, name)]


def test_two_records_of_one_content_are_told(home: Folder) -> None:
    store = made(home)
    record = store.records_folder.local_path("000002.json")
    document = unseal(record.read_bytes(), "")
    document["content_digest"] = store.record(1).content_digest
    record.write_bytes(seal(document))
    assert ("duplicate", "records/000002.json") in told(store)
    assert ("damaged", "records/000002.json") in told(store)  # the manifest froze another content


def test_a_record_that_a_manifest_confirms_is_believed_against_another_manifest(
    home: Folder,
) -> None:
    store = made(home)
    store.commit(512)
    document = unseal(store.ledger.manifests.read("000004.json"), "")
    document["contents"] = store.ledger.manifest(4).contents[4:] + "AAAA"
    store.ledger.manifests.replace("000004.json", seal(document))
    assert ("damaged", "manifests/000004.json") in told(store)
    assert not {name for _, name in told(store)} & {"manifests/000002.json", "records/000000.json"}


def test_masks_that_are_swapped_cut_short_or_lie_about_a_shard_are_told(home: Folder) -> None:
    store = made(home)
    first, second, *_ = files_of(store, f"masks/{MASK.score[:12]}/scores")
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    document = unseal(kept, "")
    document["scores"] = {"num_rows": 1, "base64": "AAAAAAAAAAA="}
    second.write_bytes(seal(document | {"content": second.stem}))
    sentences = [each.sentence for each in faults(store)]
    assert "is of another content; files were swapped" in sentences[0]
    assert "is about 1 rows, the shard has 256" in sentences[1]


def test_metadata_of_another_size_is_told(home: Folder) -> None:
    store = made(home, "zarr-256")
    zarr = store.shards.local_path("x_0/zarr.json")
    document = json.loads(zarr.read_text())
    document["shape"][0] += 256
    zarr.write_text(json.dumps(document))
    assert told(store) == [("damaged", "shards/x_0/zarr.json")]


def labelled(home: Folder, x_0: np.ndarray, label: np.ndarray, schema: PairSchema) -> PairStore:
    """A shard that was written by somebody who does not check."""
    spec = {**SPEC, "pairs": schema.model_dump(mode="json")}
    store = PairStore.create(home, spec, split="train", layout="wds-64")
    pairs = PairBatch(np.arange(64), np.zeros((64, 2), np.float32), x_0, label)
    store.write(0, pairs, dropped={}, environment={})
    store.commit(64)
    return store


@pytest.mark.parametrize(
    ("words", "value", "label"),
    [
        ("x_0 with NaN or Inf", np.nan, 0),
        ("x_0 with NaN or Inf", -np.inf, 0),
        ("x_0 outside -2 to 2", 2.5, 0),
        ("labels that the rule 'cycle' of 4 does not give", 0.0, 1),
    ],
)
def test_deep_verification_finds_what_should_never_have_been_written(
    home: Folder, words: str, value: float, label: int
) -> None:
    schema = PairSchema(
        shape=(2,), value_range=(-2, 2), noise=NoiseRule(seed=5), label=LabelRule(num_classes=4)
    )
    x_0, labels = np.zeros((64, 2), np.float32), np.arange(64) % 4
    x_0[8, 1], labels[8] = value, label
    store = labelled(home, x_0, labels, schema)
    assert faults(opened(store)) == []
    (fault,) = faults(opened(store), deep=True)
    assert words in fault.sentence
    assert fault.shard == 0


@pytest.mark.parametrize(
    ("dtype", "low", "high", "is_sound"),
    [
        ("uint8", 0, 255, True),
        ("uint8", 40, 215, False),  # 40 is -0.686, 215 is 0.686
        ("uint8", 64, 191, True),
        ("float16", -0.5, 0.5, True),
        ("float16", -0.6, 0.5, False),
    ],
)
def test_stored_values_are_judged_by_the_numbers_that_were_rounded_to_them(
    home: Folder, dtype: str, low: float, high: float, is_sound: bool
) -> None:
    value_range = (-1, 1) if high == 255 else (-0.5, 0.5)
    rounding = "half-even" if dtype == "uint8" else "none"
    schema = PairSchema(shape=(2,), x_0_dtype=dtype, rounding=rounding, value_range=value_range)
    x_0 = np.array([[low, high]] * 64).astype(dtype)
    store = labelled(home, x_0, None, schema)
    assert (faults(opened(store), deep=True) == []) is is_sound


def test_a_spec_that_is_damaged_missing_or_anothers_is_told(tmp_path: Path) -> None:
    folder = folder_at(str(tmp_path / "set-0123456789ab"))
    filled_store(folder)
    assert [each.kind for each in spec_faults(folder)] == [
        "swapped"
    ]  # its name says another digest
    flip(folder.local_path("spec.json"))
    assert [each.kind for each in spec_faults(folder)] == ["damaged"]
    folder.remove("spec.json")
    assert [each.kind for each in spec_faults(folder)] == ["missing"]


def test_a_shard_that_is_being_written_is_no_fault(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made(home)
    listed = store.base.files()
    late = {**listed, "shards/000004-0123456789ab.tar": next(iter(listed.values()))}
    monkeypatch.setattr(type(store.base), "files", lambda folder: dict(late))
    # Its record came between the listing and now.
    store.write(4, made_pairs(store.indices(4)), dropped={}, environment={"device": "cpu"})
    assert told(store) == []
