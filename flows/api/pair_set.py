"""A set of pairs that is there: what it holds, its pairs as tensors, and where students learn from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from flows.api.arguments import Named, text, texts, whole
from flows.api.places import place_of
from storage.decisions import named_masks
from storage.did_you_mean import nearest
from storage.errors import StoreError
from storage.folders import Folder
from storage.masks import Mask, read_keeps
from storage.records import PairSchema, concatenate
from storage.set_folder import splits_of
from storage.store import DEFAULT_LAYOUT, PairStore

if TYPE_CHECKING:
    from flows.api.pair_batches import PairBatches
    from flows.api.pair_tensors import PairTensors


def open_pairs(
    name: Named,
    *,
    split: str = "train",
    count: int | None = None,
    masks: Sequence[str] | None = None,
    layout: str | None = None,
    home: Named = "",
) -> "PairSet":
    """The set of this name below the home, or at this path or URL.

    `count` takes its first indices, all of them by default. `masks` names decisions of filters by their
    first digits: None takes the only decision there is, () every pair. `home` is $KDM_HOME or ./kdm-home by
    default. Nothing is read yet but documents; each shard's digest is checked before its first pair is
    given.

    Raises a ValueError or a StoreError that says what there is instead.
    """
    text("split", split)
    if layout is not None:
        text("layout", layout)
    starts = None if masks is None else texts("masks", masks, "first digits of decisions")
    folder = place_of("pairs", name, home)
    store = PairStore.open(folder, split=split, layout=layout or only_layout(folder, split))
    covered = _covered(store, count)
    chosen = None if starts is None else named_masks(folder, store.place, starts)
    return PairSet(store, store.masks(chosen), covered)


@dataclass(frozen=True)
class PairSet:
    """One split of a set of pairs (x_T, x_0); `open_pairs` and `generate_pairs` give one."""

    _store: PairStore
    _masks: tuple[Mask, ...]
    num_indices: int  # that it covers; generation or a filter may have dropped some of them

    @property
    def name(self) -> str:
        """NAME-DIGEST; the digest is of all that determines the pairs."""
        return self._store.folder.name

    @property
    def url(self) -> str:
        """The set's folder."""
        return self._store.folder.url

    @property
    def split(self) -> str:
        """train or heldout."""
        return self._store.split

    @property
    def layout(self) -> str:
        """How its shards are stored."""
        return self._store.layout

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (d,) or (C, H, W)."""
        return self.schema.shape

    @property
    def num_classes(self) -> int:
        """0: its samples have no labels."""
        return self.schema.label.num_classes if self.schema.label else 0

    @property
    def noise_scale(self) -> float:
        """The standard deviation of x_T."""
        return self.schema.noise.scale

    @property
    def masks(self) -> tuple[str, ...]:
        """The decisions of filters that its pairs passed, by digest."""
        return tuple(mask.decision for mask in self._masks)

    @property
    def schema(self) -> PairSchema:
        """All that a pair is (docs/store.md)."""
        return self._store.schema

    def __len__(self) -> int:
        """How many pairs it gives: those that neither generation nor a filter dropped."""
        return self._num_kept

    def __repr__(self) -> str:
        classes = f", {self.num_classes} classes" if self.num_classes else ""
        what = f"{self.num_indices:,} indices, samples of shape {self.shape}{classes}"
        return f"<{self.name} {self.split}: {what}>"

    def heldout(self) -> "PairSet":
        """The set's held-out pairs, which no student learns from; a ValueError without any."""
        require_there(self._store.folder)
        store = PairStore.open(self._store.folder, split="heldout", layout=self.layout)
        masks = named_masks(store.folder, store.place, self.masks)
        return PairSet(store, masks, _covered(store, None))

    def read(self, count: int | None = None) -> "PairTensors":
        """The pairs of the first `count` indices (all by default), in their order, in memory."""
        from flows.api.pair_tensors import pair_tensors  # torch

        require_there(self._store.folder)
        first = self.num_indices if count is None else _require_count(count, self.num_indices)
        parts = list(self._store.kept(first, self._masks))
        return pair_tensors(concatenate(parts))

    def batches(
        self,
        batch_size: int,
        *,
        seed: int = 0,
        num_steps: int | None = None,
        num_epochs: int | None = None,
        num_workers: int = 0,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> "PairBatches":
        """Shuffled batches of `batch_size` pairs, for a training loop; the order is that of `seed`.

        Every batch is full, across the ends of epochs. They end after `num_steps` of them, or with the last
        that lies within `num_epochs`, else never. `num_workers` processes read them, none by default. Of
        several ranks each gets its rows of every batch of `batch_size`; rank and ranks are those of
        `torch.distributed` by default.

        Raises a ValueError for numbers that don't fit.
        """
        from flows.api.made_batches import Asked, made_batches  # torch

        require_there(self._store.folder)
        asked = Asked(batch_size, seed, num_steps, num_epochs, num_workers)
        return made_batches(
            self._store,
            self._masks,
            asked,
            count=self.num_indices,
            num_kept=len(self),
            ranks=(rank, ranks),
        )

    @cached_property
    def _num_kept(self) -> int:
        require_there(self._store.folder)
        store, num_kept = self._store, 0
        for shard, content in enumerate(store.content_digests(self.num_indices)):
            record = store.vouched(shard, content)
            keep = read_keeps(store.base / "masks", self._masks, content, num_rows=record.kept)
            num_kept += int((keep & (np.array(record.kept_indices()) < self.num_indices)).sum())
        return num_kept


def require_there(folder: Folder) -> None:
    """Raise a `StoreError` if a set that was opened is gone."""
    if not folder.exists("spec.json"):
        raise StoreError(
            f"{folder.url} held a set when it was opened, and doesn't any more: it was removed or moved; "
            "open it where it is now"
        )


def only_layout(folder: Folder, split: str) -> str:
    """The one layout that a split is stored in; a ValueError names them if there are several."""
    places = [place.split("/") for place in splits_of(folder)]
    layouts = [layout for each, layout in places if each == split]
    if places and not layouts:
        known = sorted({each for each, _ in places})
        raise ValueError(f"{folder.url} has no split '{split}'; {nearest(str(split), known)}")
    if len(layouts) > 1:
        raise ValueError(
            f"the '{split}' split of {folder.url} is stored in {', '.join(layouts)}; choose one with layout="
        )
    return layouts[0] if layouts else DEFAULT_LAYOUT  # which `PairStore.open` then doesn't find


def _covered(store: PairStore, count: int | None) -> int:
    """Indices that the largest manifest covers, or fewer; a ValueError if more are asked for."""
    covered = store.ledger.largest().num_shards * store.shard_size
    covered = covered if store.limit is None else min(covered, store.limit)
    return covered if count is None else _require_count(count, covered)


def _require_count(count: int, most: int) -> int:
    return whole("count", count, 1, most, ", which are there")
