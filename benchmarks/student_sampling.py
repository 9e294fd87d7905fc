"""Pictures of 3×32×32 a second from KDM for CIFAR-10: this project's student against the published, in turns.

Same weights, noise and batch; one network evaluation a picture. One thread and CPU seconds on a CPU. On a
GPU, wall seconds of bfloat16, with U-Nets by torch.compile as CUDA graphs, against the published code as
it is. Published means its own `sample` in eval mode within no_grad, which its code leaves out. Weights are
random, but for those that begin at next to nothing: no speed depends on them, and pictures mean something.

The published module imports piq for the distance that it trains with. Sampling never calls it: where piq
is not installed an empty module takes its place, in the published side's process alone.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import nn

from benchmarks.sides import Side, Took, answer, compared
from kdm.export import safetensors_bytes
from kdm.presets.presets import preset
from kdm.published.tensor_names import to_published
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.precision import SamplingPrecision

SHAPE, NOISE_SCALE, SEED = (3, 32, 32), 80, 5
MAX_DIFFERENCE = 1e-5  # of the largest value, in float32
NUM_WARM, NUM_ROUNDS = 2, 10
_STILL = ("conv1", "proj", "aux_conv")  # layers that begin at next to nothing
WITHOUT_CLONE = (
    "With `--clone PATH`, a `git clone https://github.com/azencot-group/KDM` of your own (it states no "
    "licence), this compares pictures a second with its class: same weights, noise and batch."
)


class Case(NamedTuple):
    """What is compared: pictures at once, where, and the least that each precision has to gain."""

    batch: int
    device: str
    bars: dict[SamplingPrecision, float]


ON_CPU = (Case(8, "cpu", {"float32": 1.05, "bfloat16": 1.25}),)
ON_GPU = (Case(1, "cuda", {"bfloat16": 3}), Case(256, "cuda", {"bfloat16": 3}))


def table(clone: str | None = None) -> Iterator[str]:
    if clone is None or not Path(clone, "models", "koopman_model.py").is_file():
        yield (f"{clone} holds no models/koopman_model.py. " if clone else "") + WITHOUT_CLONE
        return
    yield "| batch | here | published, pictures/s | here, pictures/s | times as fast (95 %) | bar |"
    yield "|---|---|---:|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "student.safetensors").write_bytes(safetensors_bytes(_student().state_dict()))
        for case in (*ON_CPU, *(ON_GPU if torch.cuda.is_available() else ())):
            yield from _rows(case, str(Path(clone).resolve()), folder)


def _rows(case: Case, clone: str, folder: str) -> Iterator[str]:
    given = (folder, str(case.batch), case.device)
    with ExitStack() as stack:
        here = [Side("student_sampling.serve", precision, *given) for precision in case.bars]
        sides = [Side("student_sampling.serve_published", clone, *given), *here]
        for side in sides:
            stack.enter_context(side)
        rounds = [[side.take("sample") for side in sides] for _ in range(NUM_WARM + NUM_ROUNDS)]
    published, *ours = zip(*rounds[NUM_WARM:], strict=True)
    for (precision, bar), took in zip(case.bars.items(), ours, strict=True):
        if precision == "float32":
            _require_equal(folder)
        yield _row(case, precision, bar, (published, took))


def _row(
    case: Case, precision: str, bar: float, took: tuple[tuple[Took, ...], tuple[Took, ...]]
) -> str:
    (theirs, ours), ratio = compared(*took, case.device)
    return (
        f"| {case.batch}, {case.device} | {precision} | {case.batch / theirs:.3g} "
        f"| {case.batch / ours:.3g} | {ratio} | ≥ {bar} |"
    )


def _require_equal(folder: str) -> None:
    published, here = (np.load(f"{folder}/{name}.npy") for name in ("published", "float32"))
    difference = np.abs(published - here).max() / np.abs(published).max()
    assert difference <= MAX_DIFFERENCE, f"the pictures differ by {difference:.1e} of the largest"


def _student() -> KoopmanStudent:
    torch.manual_seed(0)
    chosen = preset("cifar10", "published", has_adversary=False)
    student = chosen.student.build(chosen.schema)
    assert isinstance(student, KoopmanStudent)
    for name, each in student.state_dict().items():
        if each.ndim > 1 and name.split(".")[-2].endswith(_STILL):
            each.normal_(std=0.3 / each[0].numel() ** 0.5)
    return student


def serve_published(clone: str, folder: str, batch: str, device: str) -> None:
    """Its class, which draws its own noise."""
    torch.set_num_threads(1)
    sys.path.insert(0, clone)
    model: Any = _published(folder).to(device).eval()

    @torch.no_grad()
    def sample() -> None:
        torch.manual_seed(SEED)
        x_0, _ = model.sample(int(batch), device, SHAPE)
        np.save(f"{folder}/published.npy", x_0.cpu().numpy())

    answer({"sample": sample})


def serve(precision: SamplingPrecision, folder: str, batch: str, device: str) -> None:
    """This project's student, with the noise that the published one draws."""
    torch.set_num_threads(1)
    student = _student()
    student.load_state_dict(safetensors.torch.load_file(f"{folder}/student.safetensors"))
    student.to(device).eval().requires_grad_(False)
    student.precision = precision
    if device == "cuda":
        for unet in student.folded().unets:
            unet.compile(mode="reduce-overhead")

    def sample() -> None:
        torch.manual_seed(SEED)
        x_T = NOISE_SCALE * torch.randn(int(batch), *SHAPE).to(device)
        np.save(f"{folder}/{precision}.npy", student.generate(x_T).cpu().numpy())

    answer({"sample": sample})


def _published(folder: str) -> nn.Module:
    if find_spec("piq") is None:
        sys.modules["piq"] = ModuleType("piq")
        vars(sys.modules["piq"])["LPIPS"] = lambda **_chosen: nn.Identity()
    parser = argparse.ArgumentParser()
    importlib.import_module("configs.koopman.cifar_uncond").load_arguments(parser)
    options = parser.parse_args([])
    made = importlib.import_module("utils.loading_models").create_distillation_model
    model = made(options.distillation_model, options)
    ours = safetensors.torch.load_file(f"{folder}/student.safetensors")
    told = model.load_state_dict(to_published(ours, has_linear=False), strict=False)
    assert not told.unexpected_keys
    assert all(name.startswith("lpips.") for name in told.missing_keys)
    return model
