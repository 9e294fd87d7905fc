"""What cannot be trained is refused before the first step, by the field that is wrong; nothing is written."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from faults.picture_training import MODEL, TRAINING
from picture_pairs import LAYOUT, SCHEMA, filled

from kdm.training.errors import Interrupted
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.digest import digest_of, seal, unseal
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.options import parse
from storage.records import LabelRule, PairBatch, PairSchema
from storage.store import PairStore


def job(
    pairs: Folder, *, model: Any = MODEL, training: Any = TRAINING, **source: Any
) -> TrainingJob:
    place = {"kind": "pairs", "url": pairs.url, "layout": LAYOUT, "count": 64}
    described = {"group": "kdm.students", "model": model, "source": {**place, **source}}
    described |= {"training": training, "folder": f"{pairs.url}-student", "device": "cpu"}
    return parse(TrainingJob, described, "job")


def refusal(some: Callable[[], TrainingJob], kind: type[Exception] = ValueError) -> str:
    """One sentence, and no file of a student."""
    with pytest.raises(kind) as refused:
        run_job(some(), report=lambda report: None)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def stored(home: Folder, schema: PairSchema, label: np.ndarray | None = None) -> Folder:
    """64 pairs of this schema, of noise."""
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    store = PairStore.create(home / "pairs", spec, split="train", layout=LAYOUT)
    index = store.indices(0)
    x_0 = np.random.RandomState(0).randint(0, 256, (64, *schema.shape)).astype(np.uint8)
    store.write(0, PairBatch(index, x_0.astype(np.float32), x_0, label), dropped={}, environment={})
    store.commit(64)
    return store.folder


def of_shape(*shape: int) -> PairSchema:
    return PairSchema(shape=shape, x_0_dtype="uint8", rounding="half-even")


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((2,), "of shape (C, H, H), not (2,)"),
        ((1, 9, 9), "a side must be a multiple of 2, and these pictures have 9 pixels"),
        ((1, 8, 16), "of shape (C, H, H), not (1, 8, 16)"),
        ((1, 4, 4), "num_halvings is 1, which leaves less than 4 of 4 pixels"),
    ],
)
def test_pictures_of_a_wrong_shape_are_refused_with_theirs(
    home: Folder, shape: tuple[int, ...], says: str
) -> None:
    model = {**MODEL, "losses": {}} if shape == (1, 4, 4) else MODEL
    assert says in refusal(lambda: job(stored(home, of_shape(*shape)), model=model))
    assert not (home / "pairs-student").files()


@pytest.mark.parametrize("in_memory_bytes", [2**30, 0])
def test_labels_that_are_no_classes_are_refused_by_the_file_that_holds_them(
    home: Folder, in_memory_bytes: int
) -> None:
    schema = PairSchema(
        shape=(1, 8, 8),
        x_0_dtype="uint8",
        rounding="half-even",
        label=LabelRule(rule="stored", num_classes=3),
    )
    pairs = stored(home, schema, np.arange(64) % 5)
    said = refusal(lambda: job(pairs, in_memory_bytes=in_memory_bytes), DamageError)
    assert "labels from 0 to 4, but its schema has classes 0 to 2" in said
    assert ".tar" in said


def test_a_missing_file_of_a_distance_is_refused_with_its_address(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", home.url)
    model = {**MODEL, "losses": {"distance": {"plugin": "lpips"}}}
    said = refusal(lambda: job(stored(home, of_shape(3, 32, 32)), model=model))
    assert "needs vgg16-397923af.pth" in said
    assert "https://download.pytorch.org/models/vgg16-397923af.pth" in said
    assert "random-features" in said


def changed(store: PairStore, spec: dict[str, Any]) -> Folder:
    """A set as another release might have written it: another spec, and all else says its digest."""
    folder = store.folder
    folder.replace("spec.json", seal(spec))
    for name in folder.files():
        if name.startswith("train") and name.endswith(".json"):
            document = unseal(folder.read(name), name)
            lasting = {key: document[key] for key in document if not key.endswith("digest")}
            kept = {
                key: document[key] for key in ("content_digest", "file_digest") if key in document
            }
            folder.replace(name, seal({**lasting, **kept, "spec_digest": digest_of(spec)}))
    return folder


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"version": 2}, "spec.json has version 2; this release reads version 1"),
        ({"pairs": {"colour": "lab"}}, "spec.json: pairs: unknown key 'colour'"),
        ({"pairs": {"x_0_dtype": "float64"}}, "spec.json: pairs: x_0_dtype: Input should be"),
    ],
)
def test_a_set_of_another_schema_is_refused_by_the_field(
    home: Folder, spec: dict[str, Any], says: str
) -> None:
    store = filled(home / "pairs")
    pairs = {**SCHEMA.model_dump(mode="json"), **spec.get("pairs", {})}
    folder = changed(store, {**store.spec, **spec, "pairs": pairs})
    kind = DamageError if "version" in spec else ValueError
    assert says in refusal(lambda: job(folder), kind)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"training": {**TRAINING, "learning_rate": 0.1}}, "identity.training.learning_rate"),
        ({"training": {**TRAINING, "on_non_finite": "skip"}}, "identity.training.on_non_finite"),
        ({"model": {**MODEL, "data_scale": 0.5}}, "identity.model.data_scale"),
        ({"count": 48}, "identity.source.count"),
    ],
)
def test_a_checkpoint_of_another_config_is_refused_by_the_field_that_differs(
    home: Folder, changes: dict[str, Any], field: str
) -> None:
    pairs = filled(home / "pairs").folder
    with pytest.raises(Interrupted):
        run_job(job(pairs), report=lambda report: None, should_stop=lambda: True)
    assert f"which differs in {field}: use" in refusal(lambda: job(pairs, **changes), MismatchError)


def test_pairs_that_are_not_there_are_refused_with_those_that_are(home: Folder) -> None:
    pairs = filled(home / "pairs").folder
    assert "holds 64 indices, asked for 99" in refusal(lambda: job(pairs, count=99))
    assert "there are: train/wds-64" in refusal(lambda: job(pairs, split="held"))
