"""Where a training step's time goes, by torch's operators: CIFAR-10's KDM, a batch of 8, one thread.

Shares of the operators' own time as torch's profiler sees it, over a whole step of the trainer: all passes,
the distance, the critic, Adam, the average. Shares hold on a busy machine, seconds don't. The second row
leaves large convolutions to torch, as processors with vectors of 512 bits do.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from unittest.mock import patch

from torch.profiler import ProfilerActivity, profile

from benchmarks.step_inputs import Case, training_job, write_inputs
from kdm.training.run_job import run_job

NUM_WARM = 1
# The first that an operator's name contains counts.
KINDS = {
    "convolution": "convolutions (oneDNN)",
    "mm": "products of matrices (MKL)",
    "dot_product": "attention",
    "norm": "norms",
    "silu": "SiLU",
    "adam": "Adam",
    "copy": "copies",
    "cat": "copies",
}


def table() -> Iterator[str]:
    kinds = [*dict.fromkeys(KINDS.values()), "others"]
    yield f"| large convolutions | {' | '.join(kinds)} |"
    yield "|---|" + "---:|" * len(kinds)
    for name, has_wide in (("by Winograd's algorithm", False), ("torch's", True)):
        shares = _shares(has_wide)
        yield f"| {name} | " + " | ".join(f"{shares[kind]:.1%}" for kind in kinds) + " |"


def _shares(has_wide: bool) -> Counter[str]:
    where = "kdm.networks.fast.processor.has_wide_vectors"
    with tempfile.TemporaryDirectory() as folder, patch(where, lambda: has_wide):
        case = Case("cifar_uncond", "cifar10")
        write_inputs(folder, case)
        watch = _Watch()
        with suppress(SystemExit):
            run_job(training_job(folder, case), report=print_nothing, should_stop=watch)
    times: Counter[str] = Counter()
    for each in watch.profile.key_averages():
        times[_kind(each.key)] += each.self_cpu_time_total
    return Counter({kind: time / times.total() for kind, time in times.items()})


def _kind(name: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in name.lower()), "others")


def print_nothing(_said: object) -> None:
    """Listens."""


class _Watch:
    """Asked before each step whether to stop; profiles the second, and there ends the training."""

    def __init__(self) -> None:
        self.profile = profile(activities=[ProfilerActivity.CPU])
        self._num_asked, self._stack = 0, ExitStack()

    def __call__(self) -> bool:
        self._num_asked += 1
        if self._num_asked == NUM_WARM + 1:
            self._stack.enter_context(self.profile)
        if self._num_asked == NUM_WARM + 2:
            self._stack.close()
            raise SystemExit
        return False
