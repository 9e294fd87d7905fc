"""A worker: makes shards on one device, in batches that fit in its memory.

If memory runs out, the batch is halved and the shard started again, so that all batches of a shard have the
size that its record names. The worker keeps the smaller batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairgen.environment import environment
from pairgen.field import Teacher
from pairgen.filters.judge import Judge
from pairgen.generation import DroppedIndices, GeneratedShard, generate_shard
from pairgen.ordered_pool import Channel
from pairgen.spec import PairSpec
from pairgen.teachers.interruptible import Interruptible
from storage.errors import StoreError
from storage.records import Columns


@dataclass(frozen=True)
class ShardJob:
    """The indices [m] of a split that make one shard."""

    split: str
    index: NDArray[np.int64]


@dataclass(frozen=True)
class MadeShard:
    """What will be written of a shard; its noise, which can be derived again, is freed."""

    columns: Columns
    invalid: DroppedIndices
    dropped: DroppedIndices  # the invalid ones among them
    audit: list[dict[str, Any]]
    environment: dict[str, Any]
    num_evaluations: int


@dataclass
class Worker:
    """One teacher on one device, a batch size that only falls, and the judges of `drop_at_write`."""

    spec: PairSpec
    teacher: Teacher
    device: torch.device
    sampling_batch: int
    num_threads: int = 1  # on a CPU
    judges: Sequence[Judge] = ()
    is_compiled: bool = False  # its teacher's networks

    def __call__(self, job: ShardJob, channel: Channel) -> MadeShard:
        """The shard; messages about progress, and about a batch that was halved, go to the channel.

        Raises what `generate_shard` does, CancelledError once the channel is closed, and StoreError if
        a single sample doesn't fit in memory.
        """
        torch.set_num_threads(self.num_threads)  # of this very thread
        while True:
            shard = self._attempt(job, channel)
            if shard is not None:
                return self._as_written(shard)
            self._halve(len(job.index), channel)

    def _attempt(self, job: ShardJob, channel: Channel) -> GeneratedShard | None:
        """None if memory ran out; on return everything that the attempt held is freed."""
        num_done = 0

        def done(num_samples: int) -> None:
            nonlocal num_done
            num_done += num_samples
            channel.send(num_samples)

        try:
            return generate_shard(
                self.spec,
                Interruptible(self.teacher, channel.require_open),
                job.split,
                job.index,
                sampling_batch=self.sampling_batch,
                filters=self.judges,
                done=done,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if min(self.sampling_batch, len(job.index)) == 1:
                raise StoreError(self._too_large()) from error
            channel.send(-num_done)
            return None

    def _halve(self, shard_size: int, channel: Channel) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        at_once = min(self.sampling_batch, shard_size)
        self.sampling_batch = at_once // 2
        channel.send(
            f"{at_once} samples at once are more than the memory of {self.device} holds; going on with "
            f"{self.sampling_batch}"
        )

    def _as_written(self, shard: GeneratedShard) -> MadeShard:
        made_in = environment(
            self.device,
            precision=self.spec.precision,
            sampling_batch=self.sampling_batch,
            is_compiled=self.is_compiled,
        )
        return MadeShard(
            shard.pairs.columns(self.spec.pairs),
            shard.invalid,
            shard.dropped,
            shard.audit,
            made_in,
            shard.num_evaluations,
        )

    def _too_large(self) -> str:
        return (
            f"a single sample of shape {list(self.spec.pairs.shape)} is more than the memory of "
            f"{self.device} holds; stop its other users, choose pairs.precision 'bfloat16', or "
            "take a larger device"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or this process ran out of memory for a tensor."""
    # On a CPU torch raises a plain RuntimeError, which names its allocator.
    is_torchs = isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
    return is_torchs or isinstance(error, MemoryError)
