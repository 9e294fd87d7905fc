"""What a training job learns from: stored pairs (x_T, x_0), or the points x_0 of a data set.

Students learn from pairs, teachers from points. An input is data: it names a set, and opens it only
when needed. Its `identity` represents the data in a training's name, by content and not by
place, so that a copied or converted set trains the same student.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from kdm.datasets import DataSet
from kdm.torch_types import device as Device
from kdm.training.late_source import Source
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from storage.digest import digest_of
from storage.folders import folder_at
from storage.masks import Mask
from storage.options import Options
from storage.reading.order import BLOCK, Order
from storage.reading.reader import PairReader
from storage.reading.share import WHOLE, Share
from storage.records import LabelRule, PairBatch, PairSchema
from storage.store import DEFAULT_LAYOUT, PairStore

Place = Literal["GPU", "memory", "files"]
_LIE: dict[Place, str] = {
    "GPU": "lie on the GPU",
    "memory": "lie in memory",
    "files": "are read from files as they are needed",
}
Notify = Callable[[Notice], None]
# Pairs that an order shuffles as one.
ONE_WINDOW = 16 * BLOCK


def _unsaid(_notice: Notice) -> None:
    """Discard the notice."""


class Input(Options, ABC):
    """Samples for a training: their place, their kind, and how they reach the trainer."""

    @abstractmethod
    def pair_schema(self) -> PairSchema:
        """What one sample is: shape, noise, label. A StoreError if the set can't be opened."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that the samples depend on, as JSON values: without their place and format."""

    @abstractmethod
    def source(
        self,
        training: TrainingOptions,
        device: Device,
        *,
        notify: Notify = _unsaid,
        share: Share = WHOLE,
        has_states: bool = False,
    ) -> Source:
        """Batches of the samples on a device, their digests checked; `share` is a rank's part of each.

        The order follows from `training.seed` alone. `notify` gets the place of the samples. With
        `has_states` batches also hold the states between noise and data.
        """


class PairsInput(Input):
    """The first `count` indices of a stored set, without the rows that a privacy mask drops."""

    kind: Literal["pairs"]
    url: str  # of the set's folder
    split: str = "train"
    layout: str = DEFAULT_LAYOUT
    count: int = Field(ge=1)
    masks: tuple[Mask, ...] | None = None  # (): none; None: the only decision there is
    # Pairs that take at most this share of a GPU's free memory are decoded onto it at the start; the
    # rest is for the steps. No number depends on it.
    on_gpu_share: float = Field(0.25, ge=0, le=1)
    # Otherwise, and on a CPU, up to so many bytes are decoded into memory; larger sets are read as they
    # are needed. 1 GiB holds 69,900 pairs of 3×32×32 bytes and their noise (15,360 bytes each). No
    # number depends on it.
    in_memory_bytes: int = Field(2**30, ge=0)

    def pair_schema(self) -> PairSchema:
        """The set's schema."""
        return self._store().schema

    def identity(self) -> dict[str, Any]:
        """Split, count, the masks' decisions, and the content digests of the shards."""
        store = self._store()
        identity = {
            "kind": self.kind,
            "split": self.split,
            "count": self.count,
            "masks": [mask.model_dump() for mask in self.taken],
            "content": digest_of(store.content_digests(self.count)),
            "schema": store.schema.model_dump(mode="json"),
        }
        # Larger sets were read in another order once; smaller ones were not, and keep their names.
        return identity | ({"order": "dealt"} if self.count > ONE_WINDOW else {})

    def source(
        self,
        training: TrainingOptions,
        device: Device,
        *,
        notify: Notify = _unsaid,
        share: Share = WHOLE,
        has_states: bool = False,
    ) -> Source:
        """Pairs (x_T, x_0), kept where `place` says; the batches are the same from each place."""
        from kdm.data import StreamedSource, resident_source  # torch: imported only to train

        order = Order(training.seed, self.count - training.num_apart)
        reader = PairReader(
            self._store(),
            order,
            training.batch_size,
            masks=self.taken,
            share=share,
            has_states=has_states,
        )
        num_bytes = self.num_bytes(has_states=has_states)
        place = self.place(device, has_states=has_states)
        notify(Notice(f"{self.count:,} pairs ({num_bytes:,} bytes) {_LIE[place]}"))
        if place == "files":
            return StreamedSource(reader, device)
        import torch

        lie_on = device if place == "GPU" else torch.device("cpu")
        return resident_source(reader, lie_on=lie_on, device=device)

    def learned(self) -> Iterator[PairBatch]:
        """All pairs that masks keep, [n, *shape] shard by shard and verified, without states."""
        for pairs in self._store().kept(self.count, self.taken):
            yield replace(pairs, states=None)

    def kept_apart(self, training: TrainingOptions) -> Iterator[PairBatch]:
        """The pairs that no step learns from, because they choose among averages; [n, *shape] each.

        They are the last indices of `count`, without the rows that masks drop.
        """
        first = self.count - training.num_apart
        for pairs in self._store().kept(self.count, self.taken, first=first):
            yield pairs.take(pairs.index >= first)

    @property
    def taken(self) -> tuple[Mask, ...]:
        """The masks whose decisions apply; a ValueError or StoreError if one isn't there."""
        return self._store().masks(self.masks)

    def place(self, device: Device, *, has_states: bool = False) -> Place:
        """Where pairs are kept during training: decoded on the GPU or in memory, or in their files."""
        num_bytes = self.num_bytes(has_states=has_states)
        if device.type == "cuda" and num_bytes <= self.on_gpu_share * _free_bytes(device):
            return "GPU"
        return "memory" if num_bytes <= self.in_memory_bytes else "files"

    def num_bytes(self, *, has_states: bool = False) -> int:
        """The bytes of all pairs once decoded: their columns as stored, and x_T in float32."""
        schema = self._store().schema
        left_out = ("x_T",) if has_states else ("x_T", "states")
        rows = schema.row_types.items()
        stored = sum(row.num_bytes for name, row in rows if name not in left_out)
        return self.count * (stored + 4 * schema.num_values)

    def _store(self) -> PairStore:
        return PairStore.open(folder_at(self.url), split=self.split, layout=self.layout)


def _free_bytes(device: Device) -> int:
    import torch

    return torch.cuda.mem_get_info(device)[0]


class DatasetInput(Input):
    """The training points x_0 of a reference set: for training a teacher."""

    kind: Literal["dataset"]
    dataset: DataSet

    def pair_schema(self) -> PairSchema:
        """The set's shape, and its classes if it has any; points don't have noise."""
        num_classes = self.dataset.num_classes
        label = None if num_classes is None else LabelRule(rule="stored", num_classes=num_classes)
        return PairSchema(shape=self.dataset.shape, label=label)

    def identity(self) -> dict[str, Any]:
        """The set's digest."""
        return {"kind": self.kind, "dataset": self.dataset.digest()}

    def source(
        self,
        training: TrainingOptions,
        device: Device,
        *,
        notify: Notify = _unsaid,
        share: Share = WHOLE,
        has_states: bool = False,
    ) -> Source:
        """Points x_0, with their classes if the set has any."""
        from kdm.data import points_source  # torch: imported only to train

        return points_source(
            self.dataset.train(),
            self.dataset.labels("train"),
            seed=training.seed,
            batch_size=training.batch_size,
            device=device,
            share=share,
        )
