"""How many samples at once: as many as a GPU's memory holds, or as suit a processor's caches.

A GPU is faster the larger the batch, until its units are full. A processor is slower once the feature
maps of a batch no longer fit in its caches.
"""

import math

import torch

from pairgen.field import Teacher
from pairgen.probe import Probe
from pairgen.spec import PairSpec
from pairgen.worker import is_out_of_memory

MAX_BATCH = 4096  # more fills no GPU better
SHARE = 0.8  # of the free memory of a GPU; the rest is for the allocator's gaps and for others
_PROBED = 8  # samples of the evaluation whose memory is measured
# On a processor: about so many values at once. Measured on SongUNets, one thread, CPU time a sample:
# 32 pixels (10 of 3,072 values) 0.435 s at batches of 1 to 16, 0.49 s at 64; 8 pixels (512 of 64)
# 4.3 ms at 1, 1.0 to 1.1 ms from 64 to 512.
_VALUES_ON_CPU = 2**15


def auto_batch(
    spec: PairSpec, teacher: Teacher, device: torch.device, *, shard_size: int, num_sharing: int = 1
) -> int:
    """A power of two, at most `MAX_BATCH` and the shard's size.

    On a CPU it depends on the sample's shape alone. On a GPU, which `num_sharing` workers share, it
    depends on the free memory, so equal commands may choose differently: each shard's record names the
    batch that was used.
    """
    most = min(MAX_BATCH, shard_size)
    if device.type == "cuda":
        return _power_of_two(_held_by(Probe(spec, teacher, device)) // num_sharing, most)
    return _power_of_two(_VALUES_ON_CPU // spec.pairs.num_values, most)


def _held_by(probe: Probe) -> int:
    """How many samples fit in the free memory, by the peak memory of one evaluation of eight."""
    device = probe.device
    try:
        probe.evaluate(1)  # libraries take some memory once
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        probe.evaluate(_PROBED)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return 1
    each = (torch.cuda.max_memory_allocated(device) - before) / _PROBED
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    return math.floor(SHARE * free / max(each, 1))


def _power_of_two(wanted: int, most: int) -> int:
    """The largest power of two that is at most both; at least 1."""
    return 1 << (max(1, min(wanted, most)).bit_length() - 1)
