"""What a training job learns from: stored pairs, or the points of a data set."""

from abc import ABC, abstractmethod
from typing import Any, Literal

import torch
from pydantic import Field

from kdm.data import Source, StreamedSource, pairs_source, points_source
from kdm.datasets import DataSet
from kdm.training.options import TrainingOptions
from storage.digest import digest_of
from storage.fs import Folder
from storage.masks import Mask
from storage.options import Options
from storage.order import BLOCK, Order
from storage.reader import PairReader
from storage.records import LabelRule, PairSchema
from storage.store import DEFAULT_LAYOUT, PairStore

# Pairs that an order shuffles as one.
ONE_WINDOW = 16 * BLOCK


class Input(Options, ABC):
    """Where samples come from, what they are, and how they reach the trainer."""

    @abstractmethod
    def pair_schema(self) -> PairSchema:
        """What one sample is."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the samples depend on: never where they lie nor in which format (JSON values)."""

    @abstractmethod
    def source(self, training: TrainingOptions, device: torch.device) -> Source:
        """The samples, verified, as batches on a device."""


class PairsInput(Input):
    """The first `count` indices of a stored set, without the rows that a mask drops."""

    kind: Literal["pairs"]
    url: str  # of the set's folder
    split: str = "train"
    layout: str = DEFAULT_LAYOUT
    count: int = Field(ge=1)
    masks: tuple[Mask, ...] = ()
    # Up to here pairs are decoded into memory at the start, above it they are read as they are needed.
    # 1 GiB holds 69,900 pairs of 3×32×32 bytes and their noise (15,360 bytes each). No number
    # depends on it.
    in_memory_bytes: int = Field(2**30, ge=0)

    def pair_schema(self) -> PairSchema:
        """The set's own."""
        return self._store().schema

    def identity(self) -> dict[str, Any]:
        """Split, count, decisions and what the shards hold."""
        store = self._store()
        identity = {
            "kind": self.kind,
            "split": self.split,
            "count": self.count,
            "masks": [mask.model_dump() for mask in self.masks],
            "content": digest_of(store.content_digests(self.count)),
            "schema": store.schema.model_dump(mode="json"),
        }
        # Larger sets were read in another order once; smaller ones were not, and keep their names.
        return identity | ({"order": "dealt"} if self.count > ONE_WINDOW else {})

    def source(self, training: TrainingOptions, device: torch.device) -> Source:
        """Pairs (x_T, x_0)."""
        store = self._store()
        if self.count * _decoded_bytes(store.schema) > self.in_memory_bytes:
            order = Order(training.seed, self.count)
            return StreamedSource(
                PairReader(store, order, training.batch_size, masks=self.masks), device
            )
        loaded = store.load(self.count, self.masks)
        return pairs_source(
            loaded, seed=training.seed, batch_size=training.batch_size, device=device
        )

    def _store(self) -> PairStore:
        return PairStore.open(Folder.at(self.url), split=self.split, layout=self.layout)


def _decoded_bytes(schema: PairSchema) -> int:
    """Bytes of a pair in memory: its columns as stored, and x_T in float32."""
    x_T = schema.row_types.get("x_T")
    return schema.num_bytes - (x_T.num_bytes if x_T else 0) + 4 * schema.num_values


class DatasetInput(Input):
    """The training points of a reference set."""

    kind: Literal["dataset"]
    dataset: DataSet

    def pair_schema(self) -> PairSchema:
        """The set's shape, and its classes if it has any; it has no noise."""
        num_classes = self.dataset.num_classes
        label = None if num_classes is None else LabelRule(rule="stored", num_classes=num_classes)
        return PairSchema(shape=self.dataset.shape, label=label)

    def identity(self) -> dict[str, Any]:
        """The set's digest."""
        return {"kind": self.kind, "dataset": self.dataset.digest()}

    def source(self, training: TrainingOptions, device: torch.device) -> Source:
        """Points x_0, with their classes where the set has some."""
        return points_source(
            self.dataset.train(),
            self.dataset.labels("train"),
            seed=training.seed,
            batch_size=training.batch_size,
            device=device,
        )
