"""Pairs as tensors, for any training loop. A subscript is a diffusion time: 0 is data, T is noise."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from flows.api.arguments import shown
from flows.api.tensor_arguments import known_device
from kdm.data import batch_of
from kdm.shapes import Indices, Labels, Samples, States
from storage.records import PairBatch


@dataclass(frozen=True)
class PairTensors:
    """n pairs: `x_0` is what the teacher made of the noise `x_T`.

    `x_0` (n, *shape) is float32; pictures that were stored as bytes are of −1 … 1. `x_T` (n, *shape) is
    float32 with the set's noise scale as its standard deviation. `index` (n,) tells pairs apart. `label`
    (n,) and `states` (n, K, *shape), from noise to data, are None if the set doesn't have any.
    """

    index: Indices  # (n,)
    x_T: Samples  # (n, *shape)
    x_0: Samples  # (n, *shape)
    label: Labels | None = None  # (n,)
    states: States | None = None  # (n, K, *shape)
    # Of a batch: `PairBatches.load_state_dict(state)` goes on with the batch after it.
    state: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Self:
        """The same pairs on a device of torch's; a ValueError if it isn't there."""
        there = known_device(device)
        if not isinstance(non_blocking, bool):
            raise ValueError(f"non_blocking is {shown(non_blocking)}; it must be True or False")
        return self._each(lambda tensor: tensor.to(there, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The same pairs in memory that a GPU copies from; `DataLoader(…, pin_memory=True)` asks for it."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Any) -> Self:
        tensors = {each.name: getattr(self, each.name) for each in fields(self)}
        changed = {k: change(v) for k, v in tensors.items() if isinstance(v, Tensor)}
        return replace(self, **changed)


def pair_tensors(pairs: PairBatch, state: Mapping[str, Any] | None = None) -> PairTensors:
    """Pairs as they are stored (numpy) as tensors on the CPU."""
    batch = batch_of(pairs)
    return PairTensors(
        batch.index, batch.noise(), batch.x_0, batch.label, batch.states, state=state
    )
