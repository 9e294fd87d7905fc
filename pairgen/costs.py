"""What a set of pairs will cost, estimated before the work: evaluations, FLOPs, time and bytes.

    seconds = pairs · (drawing + nfe · evaluating) / devices,   FLOPs = pairs · nfe · FLOPs an evaluation

with drawing and evaluating, seconds per sample, measured on 64 samples (probe.py). The samplers' own
arithmetic is left out: it is below one percent of the time (docs/generation.md).
"""

from dataclasses import dataclass

import torch

from pairgen.probe import Probe
from pairgen.spec import PairSpec
from pairgen.worker import is_out_of_memory

NUM_MEASURED = 64  # samples of the evaluation whose rate is measured
# Seconds of sampling from which on FLOPs are counted, which itself takes a second and more.
_WORTH_COUNTING = 3.0


@dataclass(frozen=True)
class Costs:
    """An estimate; None for what couldn't be measured."""

    num_pairs: int
    nfe: int | None  # network evaluations a sample
    flops: float | None  # of all samples
    seconds: float | None
    num_bytes: int
    num_devices: int = 1

    @property
    def sentence(self) -> str:
        """'1,000,000 pairs at 35 evaluations: 3.5e+07 evaluations, …, 3.1 GB'."""
        pairs = f"{self.num_pairs:,} pairs"
        if self.nfe is None or self.seconds is None:
            nfe = self.nfe or "as many as it takes"
            return f"{pairs}, evaluations each: {nfe}; {_size(self.num_bytes)}"
        flops = f"{self.flops:.3g} FLOPs, " if self.flops else ""
        rate = self.num_pairs / self.seconds
        where = f" on {self.num_devices} devices" if self.num_devices > 1 else ", one worker"
        return (
            f"{pairs} at {self.nfe} evaluations: {self.num_pairs * self.nfe:.3g} evaluations, {flops}"
            f"{_duration(self.seconds)} at {rate:,.3g} samples/s (measured on {NUM_MEASURED} "
            f"samples{where}), {_size(self.num_bytes)}"
        )


def estimate(
    probe: Probe, num_pairs: int, *, num_bytes: int, sampling_batch: int, num_devices: int = 1
) -> Costs:
    """The costs of so many pairs, from one evaluation of 64 samples in batches of this size."""
    num_velocities = probe.spec.sampler.nfe
    timed = _timed(probe, sampling_batch)
    if num_velocities is None or timed is None:
        return Costs(num_pairs, probe.spec.nfe, None, None, num_bytes)
    drawing, evaluating = timed
    each = (drawing + num_velocities * evaluating) / NUM_MEASURED / num_devices
    flops = None
    if each * num_pairs > _WORTH_COUNTING:
        flops = float(probe.flops()) * num_velocities * num_pairs
    return Costs(num_pairs, probe.spec.nfe, flops, each * num_pairs, num_bytes, num_devices)


def pair_flops(spec: PairSpec) -> float | None:
    """FLOPs of one pair, counted on a teacher of random weights; None if its steps aren't known."""
    shape, nfe = spec.pairs.shape, spec.sampler.nfe
    if nfe is None:
        return None
    teacher = spec.teacher.plugin.build(shape).eval().requires_grad_(False)
    return float(nfe * Probe(spec, teacher, torch.device("cpu")).flops())


def _timed(probe: Probe, sampling_batch: int) -> tuple[float, float] | None:
    """Seconds of drawing and evaluating; None if a batch doesn't fit in memory, which workers handle."""
    try:
        return probe.seconds(NUM_MEASURED, at_once=sampling_batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit != "d" and seconds >= length):
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _size(num_bytes: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.3g} TB"
