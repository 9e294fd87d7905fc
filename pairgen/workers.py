"""The workers that make the shards: one for each GPU, or one for each of a processor's cores.

Workers are threads: torch releases Python's lock while it computes. On a processor all share one teacher,
whose weights don't change; each GPU has a copy.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch

from kdm.compiler import require_compiler
from kdm.freed_memory import keep_freed_memory
from pairgen.batch_size import auto_batch
from pairgen.cores import num_cores
from pairgen.field import Teacher
from pairgen.filters.judge import Judge
from pairgen.precision import arithmetic
from pairgen.sampling import place
from pairgen.spec import PairSpec
from pairgen.worker import Worker


@dataclass(frozen=True)
class Workforce:
    """How the work is divided; it changes pairs by round-off at most."""

    device: str  # 'cpu' or 'cuda': every GPU that torch sees
    sampling_batch: int | Literal["auto"]
    num_threads: int  # a worker, on a CPU
    num_workers: int  # 0: one a GPU, or one for each `num_threads` of the cores
    is_compiled: bool = False  # networks by torch.compile

    def devices(self, num_shards: int) -> list[torch.device]:
        """One for each worker; at most as many workers as shards."""
        found = [torch.device("cpu")]
        if self.device == "cuda":
            found = [torch.device("cuda", each) for each in range(torch.cuda.device_count())]
        num_workers = min(self.num_workers or self._num_auto(len(found)), max(num_shards, 1))
        return [found[worker % len(found)] for worker in range(num_workers)]

    def _num_auto(self, num_devices: int) -> int:
        if self.device == "cuda":
            return num_devices
        return max(1, num_cores() // self.num_threads)


@contextmanager
def prepared_workers(
    spec: PairSpec,
    teacher: Teacher,
    judges: Sequence[Judge],
    *,
    workforce: Workforce,
    num_shards: int,
    shard_size: int,
) -> Iterator[list[Worker]]:
    """The workers, in the spec's arithmetic while the context lasts.

    Those on one device share the teacher, which must be in eval mode. Raises ValueError for a precision that
    the device doesn't have, or for compiling a teacher without networks.
    """
    devices = workforce.devices(num_shards)
    torch.backends.cudnn.deterministic = True  # equal environments give equal bytes
    torch.set_num_threads(workforce.num_threads)
    keep_freed_memory()
    with ExitStack() as stack:
        first = {}
        for device, num_sharing in Counter(devices).items():
            is_only = num_sharing == len(devices)
            placed = place(teacher if is_only else copy.deepcopy(teacher), device)
            stack.enter_context(arithmetic(spec.precision, placed, device))
            if workforce.is_compiled:
                _compile(placed, device)
            batch = workforce.sampling_batch
            if batch == "auto":
                batch = auto_batch(
                    spec, placed, device, shard_size=shard_size, num_sharing=num_sharing
                )
            first[device] = Worker(
                spec,
                placed,
                device,
                batch,
                workforce.num_threads,
                judges,
                is_compiled=workforce.is_compiled,
            )
        # Each has its own batch size, which may shrink.
        yield [replace(first[device]) for device in devices]


def _compile(teacher: Teacher, device: torch.device) -> None:
    """Compile its networks at their first call; the field's own arithmetic isn't compiled."""
    require_compiler(device, "pairs.is_compiled")
    networks = list(teacher.children())
    if not networks:
        raise ValueError(
            "pairs.is_compiled is true, but this teacher doesn't have a network to compile; set it to false"
        )
    for network in networks:
        network.compile()
