"""The share of generation that is not the network's: noise, the sampler's state, checks, shards, records.

Shards of 3×32×32 made and written by the code of `generate-pairs`, one worker, one thread; hooks around
the network take its time. The smaller the network, the larger the share: this one has 3.5M parameters
in float32. On a GPU, CIFAR-10's 55.7M in bfloat16, whose time is the device's own.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from benchmarks.picture_set import SHAPE, PictureSet, picture_set, random_weights, spec_and_teacher
from pairgen.precision import Precision

MAX_SHARE = {"cpu": 0.03, "cuda": 0.10}  # of wall time
CHANNELS = {"cpu": 32, "cuda": 128}
BATCHES = {"cpu": (16, 64), "cuda": (256, 1024)}
SHARD_SIZE = {"cpu": 64, "cuda": 2048}
NUM_SHARDS = 1

Marks = list[tuple[float, float]]  # wall and CPU seconds where calls begin and end


def table() -> Iterator[str]:
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    yield "| batch | pictures | wall, s | outside the network, of wall | bar | of CPU time |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for batch in BATCHES[device]:
        with tempfile.TemporaryDirectory() as folder:
            yield _row(folder, device, batch)


def _row(folder: str, device: str, batch: int) -> str:
    channels, shard_size = CHANNELS[device], SHARD_SIZE[device]
    precision: Precision = "float32" if device == "cpu" else "bfloat16"
    spec, teacher = spec_and_teacher(channels, random_weights(channels), precision=precision)
    sizes = {"shard_size": shard_size, "batch": batch}
    with picture_set(folder, spec, teacher, device=device, **sizes) as pictures:
        _warm(pictures, batch)
        with _watched(pictures.worker.teacher.get_submodule("denoiser")) as marks:
            begun = time.perf_counter(), time.process_time()
            pictures.grow(NUM_SHARDS)
            wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    inside = [sum(each[1::2]) - sum(each[::2]) for each in zip(*marks, strict=True)]
    of_cpu = f"{1 - inside[1] / cpu:.2%}" if device == "cpu" else ""
    return (
        f"| {batch} | {NUM_SHARDS * shard_size:,} | {wall:.1f} | {1 - inside[0] / wall:.2%} "
        f"| ≤ {MAX_SHARE[device]:.0%} | {of_cpu} |"
    )


@torch.no_grad()
def _warm(pictures: PictureSet, batch: int) -> None:
    x = torch.randn(batch, *SHAPE, device=pictures.worker.device)
    pictures.worker.teacher.velocity(x, torch.tensor(80.0, device=x.device))


@contextmanager
def _watched(network: nn.Module) -> Iterator[Marks]:
    """Within it, a mark before and after each call; on a GPU, once it has come to that point."""
    marks: Marks = []
    passed: list[torch.cuda.Event] = []

    def mark(*_call: object) -> None:
        if next(network.parameters()).is_cuda:
            passed.append(torch.cuda.Event(enable_timing=True))
            passed[-1].record()
        else:
            marks.append((time.perf_counter(), time.thread_time()))

    hooks = [network.register_forward_pre_hook(mark), network.register_forward_hook(mark)]
    try:
        yield marks
    finally:
        for hook in hooks:
            hook.remove()
        if passed:
            torch.cuda.synchronize()
        marks += [(passed[0].elapsed_time(event) / 1000, 0.0) for event in passed]
