"""Makes a few random pairs again and compares them with the stored ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flows.care.remake import Remaker, require_generated
from storage.folders import Folder
from storage.records import PairBatch, PairSchema, concatenate
from storage.store import PairStore

# Of the values' size. Of 2,048 samples of trained checkerboard teachers, made in other batches, the worst
# differed by 1e-5; computed in float64 by 2e-5: rounding that the steps of a solver enlarge.
FLOAT32_TOLERANCE = 1e-4
# A value that falls on the other side of a step of float16 differs by that step, 2⁻¹⁰ of the value.
FLOAT16_TOLERANCE = 2.0**-10 + FLOAT32_TOLERANCE
BYTE_TOLERANCE = 1  # level
_MAX_SHUFFLED = 1_000_000


@dataclass(frozen=True)
class SpotCheck:
    """How stored pairs compare with pairs made now."""

    split: str
    num_pairs: int
    num_bit_equal: int
    max_deviation: float  # in levels for bytes, else relative to the values' size
    tolerance: float
    worst_index: int
    is_of_bytes: bool

    @property
    def is_within(self) -> bool:
        """Whether all agree within what two machines may differ by."""
        return self.max_deviation <= self.tolerance


def spot_check(store: PairStore, home: Folder, *, num_pairs: int, seed: int) -> SpotCheck:
    """Compare `num_pairs` random pairs of a split with what its teacher makes from their noise now."""
    require_generated(store)
    remaker = Remaker.of(store, home, store.record(0).environment)
    return spot_check_with(remaker, store, num_pairs=num_pairs, seed=seed)


def spot_check_with(remaker: Remaker, store: PairStore, *, num_pairs: int, seed: int) -> SpotCheck:
    """The same with a teacher that is at hand."""
    manifest = store.ledger.largest()
    chosen = _chosen(store, manifest.num_shards, num_pairs, seed)
    stored = concatenate(list(_read(store, chosen, manifest.content_digests)))
    made = remaker.alone(store.split, stored.index)
    if not np.array_equal(made.index, stored.index):
        lost = sorted(set(stored.index.tolist()) - set(made.index.tolist()))
        return replace(
            _compared(store, stored, stored),
            num_bit_equal=0,
            max_deviation=np.inf,
            worst_index=lost[0],
        )
    return _compared(store, stored, made)


def _chosen(store: PairStore, num_shards: int, num_pairs: int, seed: int) -> NDArray[np.int64]:
    """Random kept indices in rising order; all of them if there are fewer."""
    count = int(store.indices(num_shards - 1)[-1]) + 1
    stream = np.random.RandomState(np.random.Philox(seed))
    dropped: dict[int, set[int]] = {}
    kept: list[int] = []
    for index in _drawn(stream, count):
        shard = index // store.shard_size
        if shard not in dropped:
            dropped[shard] = {
                each for rows in store.record(shard).dropped.values() for each in rows
            }
        if index not in dropped[shard]:
            kept.append(index)
        if len(kept) == num_pairs:
            break
    return np.sort(np.array(kept, np.int64))


def _drawn(stream: np.random.RandomState, count: int) -> Iterator[int]:
    """Indices in random order, each once, without holding all of a large set's in memory."""
    if count <= _MAX_SHUFFLED:
        yield from stream.permutation(count).tolist()
        return
    seen: set[int] = set()
    while True:
        index = int(stream.randint(count))
        if index not in seen:
            seen.add(index)
            yield index


def _read(
    store: PairStore, chosen: NDArray[np.int64], contents: tuple[str, ...]
) -> Iterator[PairBatch]:
    shards = chosen // store.shard_size
    for shard in np.unique(shards).tolist():
        pairs = store.pairs(shard, contents[shard])
        yield pairs.take(np.searchsorted(pairs.index, chosen[shards == shard]))


def _compared(store: PairStore, stored: PairBatch, made: PairBatch) -> SpotCheck:
    one, other = (each.x_0.reshape(len(stored), -1) for each in (stored, made))
    deviation = np.abs(one.astype(np.float64) - other.astype(np.float64)).max(axis=1)
    if store.schema.x_0_dtype != "uint8":
        deviation /= max(1.0, float(np.abs(one).max()))
    worst = int(deviation.argmax())
    return SpotCheck(
        split=store.split,
        num_pairs=len(stored),
        num_bit_equal=int((one == other).all(axis=1).sum()),
        max_deviation=float(deviation[worst]),
        tolerance=_tolerance(store.schema),
        worst_index=int(stored.index[worst]),
        is_of_bytes=store.schema.x_0_dtype == "uint8",
    )


def _tolerance(schema: PairSchema) -> float:
    kinds = {"uint8": BYTE_TOLERANCE, "float16": FLOAT16_TOLERANCE, "float32": FLOAT32_TOLERANCE}
    return kinds[schema.x_0_dtype]
