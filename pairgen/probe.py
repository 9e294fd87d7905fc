"""One evaluation of a teacher's field at time T, to estimate what sampling will take.

A sampler evaluates the field `nfe` times, and an evaluation costs the same at any time. So one
at T, on noise of a stream that no pair uses, is enough for time, FLOPs and memory.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.field import Teacher
from pairgen.spec import PairSpec
from pairgen.teachers.guided import sampled_field
from storage.noise import derive_labels, derive_noise

_SPLIT = "probe"  # a separate stream: no pair is in this split


@dataclass(frozen=True)
class Probe:
    """A spec's teacher on its device; one evaluation includes guidance, if the spec has it."""

    spec: PairSpec
    teacher: Teacher
    device: torch.device

    @torch.no_grad()
    def evaluate(self, num_samples: int) -> None:
        """Compute the velocity of a batch of this size, and wait for it."""
        x_T, label = self.drawn(num_samples)
        self._evaluate(x_T, label)

    @torch.no_grad()
    def seconds(self, num_samples: int, *, at_once: int) -> tuple[float, float]:
        """Seconds to draw so many samples' noise, and to evaluate each once, after a warm-up."""
        self.evaluate(min(at_once, num_samples))
        drawing = evaluating = 0.0
        for first in range(0, num_samples, at_once):
            begun = time.perf_counter()
            x_T, label = self.drawn(min(at_once, num_samples - first))
            drawn = time.perf_counter()
            self._evaluate(x_T, label)
            drawing += drawn - begun
            evaluating += time.perf_counter() - drawn
        return drawing, evaluating

    @torch.no_grad()
    def flops(self) -> int:
        """FLOPs of one sample's evaluation: two for each multiplication with its addition."""
        from kdm.flops import counted  # counting imports torch's compiler: a second

        x_T, label = self.drawn(1)
        return counted(lambda: self._evaluate(x_T, label)).total

    def _evaluate(self, x_T: Samples, label: Labels | None) -> None:
        field, sampler = sampled_field(self.teacher, self.spec.guidance), self.spec.sampler
        t = torch.tensor(sampler.begins_at(field), dtype=torch.float64, device=self.device)
        field.velocity(x_T, t, label)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def drawn(self, num_samples: int) -> tuple[Tensor, Tensor | None]:
        """Noise x_T [n, *shape] and labels [n], or None, of no pair, on the device."""
        index, pairs = np.arange(num_samples), self.spec.pairs
        x_T = torch.from_numpy(derive_noise(pairs.noise, _SPLIT, index, pairs.shape))
        if pairs.label is None:
            return x_T.to(self.device), None
        label = derive_labels(pairs.label, seed=pairs.noise.seed, split=_SPLIT, index=index)
        return x_T.to(self.device), torch.from_numpy(label).to(self.device)
