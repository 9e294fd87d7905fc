"""Batches of noise to the teacher's device, through the sampler, and back.

Calls on a GPU return before they are done. So each batch is started before the results of the one before it
are read, and copies go through pinned memory, which doesn't block. On a CPU a batch is done when its
call returns, and the same code runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairgen.field import Teacher
from pairgen.spec import PairSpec
from storage.records import PairBatch


class SampledBatch(NamedTuple):
    """A batch as the sampler returned it, in the sampler's number type, and what it took."""

    pairs: PairBatch
    nfe: int  # network evaluations a sample


def sampled_batches(
    spec: PairSpec, field: Teacher, drawn: Iterable[PairBatch]
) -> Iterator[SampledBatch]:
    """The sampler's result for each batch's x_T [n, *shape] and labels [n], in order; x_0 isn't read."""
    before: _Begun | None = None
    for batch in drawn:
        begun = _begin(spec, field, batch)
        if before is not None:
            yield before.ended()
        before = begun
    if before is not None:
        yield before.ended()


def place(teacher: Teacher, device: torch.device) -> Teacher:
    """The teacher itself on the device; on a GPU its weights are channels-last, which is faster."""
    placed = teacher.to(device)
    if device.type == "cuda":
        placed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def device_of(teacher: Teacher) -> torch.device:
    """The device of its weights; the CPU without any."""
    for tensor in (*teacher.parameters(), *teacher.buffers()):
        return tensor.device
    return torch.device("cpu")


@dataclass(frozen=True)
class _Begun:
    """A batch that its device may still compute; the tensors are on the host."""

    drawn: PairBatch
    x_0: Tensor
    states: Tensor | None
    nfe: int
    copied: torch.cuda.Event | None  # passed when the tensors hold their values

    def ended(self) -> SampledBatch:
        """The batch, after waiting for it."""
        if self.copied is not None:
            self.copied.synchronize()
        states = None if self.states is None else self.states.numpy()
        return SampledBatch(replace(self.drawn, x_0=self.x_0.numpy(), states=states), self.nfe)


def _begin(spec: PairSpec, field: Teacher, drawn: PairBatch) -> _Begun:
    device, num_states = device_of(field), spec.pairs.num_states
    label = None if drawn.label is None else _on_device(drawn.label, device)
    x_T = _on_device(drawn.x_T, device)
    x_0, states, nfe = spec.sampler.sample(field, x_T, label, keep_states=num_states)
    kept = _on_host(states) if num_states else None
    return _Begun(drawn, _on_host(x_0), kept, nfe, _mark(device))


def _on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def _on_host(tensor: Tensor) -> Tensor:
    if tensor.device.type != "cuda":
        return tensor.cpu()
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def _mark(device: torch.device) -> torch.cuda.Event | None:
    if device.type != "cuda":
        return None
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record(torch.cuda.current_stream(device))
    return copied
