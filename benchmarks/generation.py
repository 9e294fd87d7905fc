"""Pictures of 3×32×32 a second: this project's generation against the published `generate.py`, in turns.

Same network, weights, noise, steps (18 of Heun's: 35 evaluations) and batch; float32 and one thread
on a CPU, where CPU seconds count. On a GPU, wall seconds of bfloat16 and torch.compile against the
published float32. Weights are random: no speed depends on them.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.picture_set import SHAPE, picture_set, random_weights, spec_and_teacher
from benchmarks.sides import Side, Took, answer, compared
from pairgen.precision import Precision

TURNS = {"sample": "sampler and network", "generate": "whole path, to files"}
MAX_DIFFERENCE = 1e-5  # of the largest value
WITHOUT_CLONE = (
    "With `--clone PATH`, a `git clone https://github.com/NVlabs/edm` of your own (its licence is "
    "CC BY-NC-SA 4.0), this compares pictures a second with its generate.py: same network, weights, "
    "noise and batch."
)


class Case(NamedTuple):
    """What is compared."""

    name: str
    channels: int
    batch: int
    num_rounds: int
    bar: float
    device: str = "cpu"


SMALL = Case("3.5M parameters, batch 16", 32, 16, 5, 1.05)
FULL = Case("55.7M parameters (CIFAR-10's), batch 4", 128, 4, 3, 1.05)
ON_GPU = Case("55.7M parameters, batch 256, bfloat16 and compile", 128, 256, 5, 3, "cuda")


def table(clone: str | None = None, *, is_full: bool = False) -> Iterator[str]:
    if clone is None or not Path(clone, "generate.py").is_file():
        yield (f"{clone} holds no generate.py. " if clone else "") + WITHOUT_CLONE
        return
    cases = [SMALL, *[FULL] * is_full, *[ON_GPU] * torch.cuda.is_available()]
    yield "| network | what | published, pictures/s | here | times as fast (95 %) | bar |"
    yield "|---|---|---:|---:|---:|---:|"
    for case in cases:
        yield from _rows(case, str(Path(clone).resolve()))


def _rows(case: Case, clone: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/latents.npy", _latents(case.batch))
        Path(folder, "weights.safetensors").write_bytes(random_weights(case.channels))
        given = (folder, str(case.channels), str(case.batch), case.device)
        with (
            Side("published.serve", clone, *given) as published,
            Side("generation.serve", *given) as here,
        ):
            for turn, what in TURNS.items():
                took = [(published.take(turn), here.take(turn)) for _ in range(1 + case.num_rounds)]
                yield _row(case, what, took[1:])
        if case.device == "cpu":
            _require_equal(folder)


def _row(case: Case, what: str, took: list[tuple[Took, Took]]) -> str:
    published, here = zip(*took, strict=True)
    (theirs, ours), ratio = compared(published, here, case.device)
    return (
        f"| {case.name} | {what} | {case.batch / theirs:.3g} | {case.batch / ours:.3g} "
        f"| {ratio} | ≥ {case.bar} |"
    )


def _require_equal(folder: str) -> None:
    published, here = (np.load(f"{folder}/{name}.npy") for name in ("published", "here"))
    difference = np.abs(published - here).max() / np.abs(published).max()
    assert difference <= MAX_DIFFERENCE, f"the pictures differ by {difference:.1e} of their range"


def _latents(batch: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal((batch, *SHAPE)).astype(np.float32)


def serve(folder: str, channels: str, batch: str, device: str) -> None:
    """This side: the sampler on its network; and all that `generate-pairs` does for a shard."""
    weights = Path(folder, "weights.safetensors").read_bytes()
    precision: Precision = "float32" if device == "cpu" else "bfloat16"
    spec, teacher = spec_and_teacher(int(channels), weights, precision=precision)
    if device == "cuda":
        teacher.get_submodule("denoiser").compile()
    x_T = torch.from_numpy(np.load(f"{folder}/latents.npy")).to(device) * teacher.noise_scale
    sizes = {"shard_size": int(batch), "batch": int(batch)}
    with picture_set(f"{folder}/set", spec, teacher, device=device, **sizes) as pictures:

        def sample() -> None:
            x_0 = spec.sampler.sample(pictures.worker.teacher, x_T).x_0
            np.save(f"{folder}/here.npy", x_0.cpu().numpy())

        answer({"sample": sample, "generate": lambda: pictures.grow(1)})
