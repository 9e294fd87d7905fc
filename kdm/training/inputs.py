"""What a training job learns from: stored pairs, or the points of a data set."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from kdm.datasets import DataSet
from kdm.torch_types import device as Device
from kdm.training.late import Source
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from storage.any_folder import folder_at
from storage.digest import digest_of
from storage.masks import Mask
from storage.options import Options
from storage.order import BLOCK, Order
from storage.plan import WHOLE, Share
from storage.reader import PairReader
from storage.records import LabelRule, PairSchema
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
    """To nobody."""


class Input(Options, ABC):
    """Where samples come from, what they are, and how they reach the trainer."""

    @abstractmethod
    def pair_schema(self) -> PairSchema:
        """What one sample is."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the samples depend on: never where they lie nor in which format (JSON values)."""

    @abstractmethod
    def source(
        self,
        training: TrainingOptions,
        device: Device,
        *,
        notify: Notify = _unsaid,
        share: Share = WHOLE,
    ) -> Source:
        """The samples, verified, as batches on a device, or a rank's share of each batch.

        Where they lie is said where that matters.
        """


class PairsInput(Input):
    """The first `count` indices of a stored set, without the rows that a mask drops."""

    kind: Literal["pairs"]
    url: str  # of the set's folder
    split: str = "train"
    layout: str = DEFAULT_LAYOUT
    count: int = Field(ge=1)
    masks: tuple[Mask, ...] | None = None  # (): none; None: the one decision there is
    # Up to this share of a GPU's free memory pairs are decoded onto it at the start; the rest is for the
    # steps. No number depends on it.
    on_gpu_share: float = Field(0.25, ge=0, le=1)
    # Else, and on a CPU, up to here they are decoded into memory, above it they are read as they are needed.
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
    ) -> Source:
        """Pairs (x_T, x_0), from where `place` says that they lie."""
        from kdm.data import StreamedSource, resident_source  # torch: only who trains waits for it

        order = Order(training.seed, self.count)
        reader = PairReader(
            self._store(), order, training.batch_size, masks=self.taken, share=share
        )
        place = self.place(device)
        notify(Notice(f"{self.count:,} pairs ({self.num_bytes:,} bytes) {_LIE[place]}"))
        if place == "files":
            return StreamedSource(reader, device)
        import torch

        lie_on = device if place == "GPU" else torch.device("cpu")
        return resident_source(reader, lie_on=lie_on, device=device)

    @property
    def taken(self) -> tuple[Mask, ...]:
        """The masks that it reads by."""
        return self._store().masks(self.masks)

    def place(self, device: Device) -> Place:
        """Where pairs lie in training: decoded on the GPU, in the host's memory, or in files."""
        if device.type == "cuda" and self.num_bytes <= self.on_gpu_share * _free_bytes(device):
            return "GPU"
        return "memory" if self.num_bytes <= self.in_memory_bytes else "files"

    @property
    def num_bytes(self) -> int:
        """Of all pairs once they are decoded: their columns as stored, and x_T in float32."""
        schema = self._store().schema
        x_T = schema.row_types.get("x_T")
        stored = schema.num_bytes - (x_T.num_bytes if x_T else 0)
        return self.count * (stored + 4 * schema.num_values)

    def _store(self) -> PairStore:
        return PairStore.open(folder_at(self.url), split=self.split, layout=self.layout)


def _free_bytes(device: Device) -> int:
    import torch

    return torch.cuda.mem_get_info(device)[0]


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

    def source(
        self,
        training: TrainingOptions,
        device: Device,
        *,
        notify: Notify = _unsaid,
        share: Share = WHOLE,
    ) -> Source:
        """Points x_0, with their classes where the set has some."""
        from kdm.data import points_source  # torch: only who trains waits for it

        return points_source(
            self.dataset.train(),
            self.dataset.labels("train"),
            seed=training.seed,
            batch_size=training.batch_size,
            device=device,
            share=share,
        )
