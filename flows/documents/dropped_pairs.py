"""The dropped pairs of each filter beside what they copy: scores and pictures of single samples, private."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.calibration import RecipeFilter
from flows.documents.stayed_pictures import stayed
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.privacy.mirrored_views import is_picture
from kdm.privacy.neighbours import nearest
from pairgen.filters.filter import distinct_names
from storage.masks import Mask, read_audit, read_decision_summary
from storage.records import PairBatch, as_numbers, concatenate
from storage.store import PairStore

if TYPE_CHECKING:
    from pairgen.filters.judge import Judge

MOST = 200  # pairs that are shown of each filter


class Near(NamedTuple):
    """The real sample, or the pair that stayed, that a dropped one is near."""

    of: str  # 'training', or the split of the pair
    row: int  # of the training set; of a pair its index
    sample: NDArray[Any]  # [*shape], −1 … 1 of pictures
    distance: float  # root mean square difference
    is_mirrored: bool  # whether the sample is nearer to its mirror image


@dataclass(frozen=True)
class DroppedPair:
    """One pair that a filter drops."""

    split: str
    index: int
    score: float
    reason: str
    sample: NDArray[Any]  # x_0 [*shape], −1 … 1 of pictures
    near: Near | None


@dataclass(frozen=True)
class DroppedByFilter:
    """The worst pairs that one filter drops, the worst first."""

    name: str
    threshold: float
    num_dropped: int
    pairs: tuple[DroppedPair, ...]


@dataclass(frozen=True)
class _Place:
    """A dropped pair, where it is, and why it was dropped."""

    split: int  # of the recipe's
    shard: int
    index: int
    score: float
    reason: str


def dropped_pairs(run: Run, judged: StageResult) -> Iterator[DroppedByFilter]:
    """For each filter of the recipe the pairs that it drops; one filter is fitted at a time."""
    rules = run.recipe.filters
    names = distinct_names([rule.filter for rule in rules])
    stores = [open_split(run, judged, split) for split in run.recipe.splits]
    covered = [contents(run, store) for store in stores]
    for name, rule, mask in zip(names, rules, masks_in(judged), strict=True):
        # Made here, and gone with the next: a fitted filter holds the reference.
        found = _Dropped(stores, covered, mask, RecipeFilter(rule, run.recipe.dataset))
        places = found.worst_first()
        threshold = float(read_decision_summary(stores[0].base / "masks", mask)["threshold"])
        pairs = found.beside(places[:MOST])
        yield DroppedByFilter(name, threshold, len(places), tuple(pairs))


@dataclass(frozen=True)
class _Dropped:
    """What one decision drops of all splits."""

    stores: Sequence[PairStore]
    covered: Sequence[Sequence[str]]  # contents of each split's shards
    mask: Mask
    chosen: RecipeFilter

    def worst_first(self) -> list[_Place]:
        """All dropped pairs; of equal scores the lower index first."""
        places = [
            _Place(split, shard, row["index"], row["score"], row["reason"])
            for split, store in enumerate(self.stores)
            for shard, content in enumerate(self.covered[split])
            for row in read_audit(store.base / "masks", self.mask, content)
        ]
        sign = 1 if self.chosen.choice.filter.drops == "low" else -1
        return sorted(places, key=lambda place: (sign * place.score, place.split, place.index))

    def beside(self, places: Sequence[_Place]) -> list[DroppedPair]:
        """The pairs at these places, each with what it is near."""
        by_split = [
            [each for each in places if each.split == split] for split, _ in enumerate(self.stores)
        ]
        found: dict[_Place, DroppedPair] = {}
        for split, own in enumerate(by_split):
            if not own:
                continue
            own = sorted(own, key=lambda place: place.index)
            pairs = self._read(split, own)
            near = self._near(split, pairs)
            samples = as_numbers(pairs.x_0)
            name = self.stores[split].split
            for place, sample, beside in zip(own, samples, near, strict=True):
                found[place] = DroppedPair(
                    name, place.index, place.score, place.reason, sample, beside
                )
        return [found[place] for place in places]

    def _read(self, split: int, places: Sequence[_Place]) -> PairBatch:
        """Pairs of one split by rising index."""
        store, parts = self.stores[split], []
        for shard in sorted({each.shard for each in places}):
            pairs = store.pairs(shard, self.covered[split][shard])
            wanted = [each.index for each in places if each.shard == shard]
            parts.append(pairs.take(np.isin(pairs.index, wanted)))
        return concatenate(parts)

    def _near(self, split: int, pairs: PairBatch) -> list[Near | None]:
        kind, dataset = self.chosen.choice.filter, self.chosen.dataset
        if kind.finds_duplicates:
            stays = stayed(self.stores[split], self.covered[split], self.mask, pairs)
            return [
                None if each is None else _near(sample, self.stores[split].split, *each)
                for sample, each in zip(as_numbers(pairs.x_0), stays, strict=True)
            ]
        if dataset is None:
            return [None] * len(pairs)
        real = dataset.train()
        rows = _rows(self.chosen.judge if kind.needs_reference else None, real, pairs)
        return [
            _near(sample, "training", int(row), as_numbers(real[row : row + 1])[0])
            for sample, row in zip(as_numbers(pairs.x_0), rows, strict=True)
        ]


def _rows(judge: "Judge | None", real: NDArray[Any], pairs: PairBatch) -> NDArray[np.int64]:
    """The real samples [n] that scores come from; where the filter doesn't know, the nearest by pixels."""
    named = None if judge is None else judge.nearest(pairs)
    rows = np.full(len(pairs), -1) if named is None else named.copy()
    unknown = np.flatnonzero((rows < 0) | (rows >= len(real)))
    if len(unknown):
        rows[unknown] = nearest(as_numbers(pairs.x_0)[unknown], real, lambda _: None).row
    return rows


def _near(sample: NDArray[Any], of: str, row: int, other: NDArray[Any]) -> Near:
    """What is shown beside a sample, both [*shape]."""
    views = [other, other[..., ::-1]] if is_picture(other.shape) else [other]
    distances = [float(np.sqrt(np.mean((sample - each.astype(np.float64)) ** 2))) for each in views]
    place = int(np.argmin(distances))
    return Near(of, row, views[place], distances[place], place == 1)
