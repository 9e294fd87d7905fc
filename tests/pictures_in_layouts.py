"""One set of small pictures, copies among them, stored in any layout, and what filters make of it."""

from pathlib import Path
from typing import Any

import numpy as np
from faults.commands import kdm
from random_textures import textures

from storage.digest import digest_of, short
from storage.folders import folder_at
from storage.mask_documents import decisions_of
from storage.masks import read_decision_summary, read_keep, read_scores
from storage.noise import derive_noise
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import PairStore

NUM_REAL, NUM_PAIRS, SIDE = 96, 64, 8
SCHEMA = PairSchema(
    shape=(3, SIDE, SIDE), noise=NoiseRule(seed=5), x_0_dtype="uint8", rounding="half-even"
)
SPEC: dict[str, Any] = {
    "version": 1,
    "sampler": {"plugin": "none"},
    "pairs": SCHEMA.model_dump(mode="json"),
}
NAME = f"textures-{short(digest_of(SPEC))}"
# Every filter of pictures that is compared, as the policy `pictures` has them, at this size.
FILTERS = (
    "[{filter: {plugin: exact}, fpr: 0.1, jointly: true}, "
    "{filter: {plugin: pixel-nn, num_neighbours: 5}, fpr: 0.1, jointly: true}, "
    "{filter: {plugin: pixel-nn, num_neighbours: 5, size: 6, is_centred: true}, fpr: 0.1, jointly: true}, "
    "{filter: {plugin: aligned, num_candidates: 1}, fpr: 0.1, jointly: true}, "
    "{filter: {plugin: near-duplicate}, fpr: 0.1}]"
)
Found = dict[str, tuple[bytes, bytes]]  # scores and what is kept, in order of the index, by filter


def as_bytes(pictures: np.ndarray) -> np.ndarray:
    return np.rint(127.5 * pictures + 127.5).clip(0, 255).astype(np.uint8)


def real() -> np.ndarray:
    """Pictures uint8 [m, 3, 8, 8]; some of them calibrate."""
    return as_bytes(textures(NUM_REAL, 0, side=SIDE))


def made() -> np.ndarray:
    """Honest pictures, copies changed in four ways, and duplicates: uint8 [n, 3, 8, 8]."""
    seen = textures(NUM_REAL, 0, side=SIDE)
    noise = 0.05 * np.random.RandomState(1).standard_normal((8, *seen.shape[1:]))
    changed = [seen[:4], seen[4:8, :, :, ::-1], np.roll(seen[8:12], 1, -1), seen[12:20] + noise]
    copies = as_bytes(np.concatenate(changed))
    honest = as_bytes(textures(NUM_PAIRS - len(copies) - 4, 2, side=SIDE))
    mixed = np.concatenate([copies, honest, honest[:4]])
    return mixed[np.random.RandomState(3).permutation(NUM_PAIRS)]


def stored(home: Path, layout: str) -> None:
    """The pictures as the training split of a set, in this layout."""
    np.save(home.with_suffix(".npy"), real())
    folder, x_0 = folder_at(str(home / "pairs" / NAME)), made()
    store = PairStore.create(folder, SPEC, split="train", layout=layout)
    for shard in store.missing(NUM_PAIRS):
        index = store.indices(shard)
        x_T = derive_noise(SCHEMA.noise, "train", index, SCHEMA.shape)
        store.write(shard, PairBatch(index, x_T, x_0[index]), dropped={}, environment={})
    store.commit(NUM_PAIRS)


def command(home: Path) -> list[str]:
    """Judges the set by all filters."""
    changes = (
        f"dataset.source={home.with_suffix('.npy')}",
        "dataset.num_heldout=32",
        f"filters={FILTERS}",
    )
    given = [word for each in changes for word in ("--set", each)]
    return kdm(home, "--until", "filter-pairs", *given, recipe=NAME)


def found(home: Path, layout: str) -> Found:
    """What the filters left, whatever the layout."""
    store = PairStore.open(folder_at(str(home / "pairs" / NAME)), split="train", layout=layout)
    masks, answers = store.base / "masks", {}
    for mask in decisions_of(masks):
        scores, keep = [], []
        for content in store.content_digests(NUM_PAIRS):
            scores.append(read_scores(masks, mask.score, content))
            keep.append(read_keep(masks, mask, content, num_rows=len(scores[-1])))
        summary = read_decision_summary(masks, mask)
        name = f"{summary['filter']} at {summary['threshold']!r}"
        answers[name] = np.concatenate(scores).tobytes(), np.concatenate(keep).tobytes()
    return answers


def drops_some_and_keeps_some(answers: Found) -> bool:
    """Whether a comparison of these answers can fail at all."""
    return all(0 < keep.count(1) < NUM_PAIRS for _, keep in answers.values())
