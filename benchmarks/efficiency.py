"""FLOP/s that published teachers' networks reach on this machine's device, and the hours of a million pairs.

The networks are those of the presets of `kdm teacher import`, with random weights: no speed depends on
them. FLOPs are two for each multiplication with its addition, of convolutions, linear layers and
attention; norms and activations cost time and count none. On a CPU one thread and its CPU seconds count.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from kdm.flops import counted
from pairgen.checkpoints.build import empty
from pairgen.checkpoints.build_presets import Preset, preset_named
from pairgen.precision import Precision, arithmetic
from pairgen.recommended import recommended_sampler
from pairgen.sampling import place
from pairgen.teachers.imported_network import ImportedTeacher, kind_of
from pairgen.teachers.teacher import Teacher

PAIRS = 1_000_000
MEASURED = (
    "edm-cifar10-32x32-uncond-vp",
    "edm-ffhq-64x64-uncond-vp",
    "edm-imagenet-64x64-cond-adm",
    "torchcfm-cifar10",
    "flow-matching-cifar10",
)
PRECISIONS: dict[str, tuple[Precision, ...]] = {
    "cpu": ("float32", "bfloat16"),
    "cuda": ("float32", "tf32", "bfloat16"),
}
PIXELS_AT_ONCE = {"cpu": 4 * 32**2, "cuda": 256 * 32**2}
NUM_ROUNDS = {"cpu": 2, "cuda": 20}


@dataclass(frozen=True)
class Work:
    """What one pair takes of a preset's network."""

    teacher: ImportedTeacher
    flops: int  # of one evaluation
    nfe: int

    @classmethod
    def of(cls, preset: Preset) -> "Work":
        """With the sampler that is recommended for it."""
        teacher = ImportedTeacher(**preset.model_dump(exclude={"license"}))
        field = teacher.build(teacher.kind.shape)
        nfe = recommended_sampler(field.noise_scale, teacher.kind.shape).nfe
        return cls(teacher, flops(preset), nfe)

    def hours(self, flops_a_second: float, *, num_devices: int) -> float:
        """Of a million pairs."""
        return PAIRS * self.nfe * self.flops / flops_a_second / num_devices / 3600


def flops(preset: Preset) -> int:
    """Of one evaluation of one sample; nothing is computed."""
    net = empty(preset).to("meta")
    kind = kind_of(net, preset)
    x, t = torch.empty(1, *kind.shape, device="meta"), torch.empty((), device="meta")
    given = {"label": _labels(1, kind.num_classes, "meta")} if preset.precond is None else {}
    with torch.no_grad():
        return counted(lambda: net(x, t, **given)).total


def table(preset: str | None = None) -> Iterator[str]:
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    yield "| preset | GFLOPs an evaluation | evaluations | precision | GFLOP/s | 10⁶ pairs, h | on eight, h |"
    yield "|---|---:|---:|---|---:|---:|---:|"
    for name in [preset] if preset else MEASURED:
        work = Work.of(preset_named(name))
        field = place(
            work.teacher.build(work.teacher.kind.shape).eval().requires_grad_(False), device
        )
        for how, rate in _rates(work, field, device):
            one, eight = (work.hours(rate, num_devices=number) for number in (1, 8))
            yield (
                f"| {name} | {work.flops / 1e9:.2f} | {work.nfe} | {how} | {rate / 1e9:,.0f} "
                f"| {one:,.3g} | {eight:,.3g} |"
            )


def _rates(work: Work, field: Teacher, device: torch.device) -> Iterator[tuple[str, float]]:
    """FLOP/s in every precision, on a GPU also compiled."""
    for precision in PRECISIONS[device.type]:
        with arithmetic(precision, field, device):
            yield precision, _rate(work, field, device)
    if device.type == "cuda":
        for network in field.children():
            network.compile()
        with arithmetic("bfloat16", field, device):
            yield "bfloat16, compiled", _rate(work, field, device)


@torch.no_grad()
def _rate(work: Work, field: Teacher, device: torch.device) -> float:
    kind = work.teacher.kind
    batch = max(1, PIXELS_AT_ONCE[device.type] // (kind.shape[1] * kind.shape[2]))
    x = torch.randn(batch, *kind.shape, device=device)
    t = torch.tensor(0.5, dtype=torch.float64, device=device)
    label = _labels(batch, kind.num_classes, device)
    num_rounds = NUM_ROUNDS[device.type]
    field.velocity(x, t, label)
    with _timed(device) as took:
        for _ in range(num_rounds):
            field.velocity(x, t, label)
    return num_rounds * batch * work.flops / took[0]


def _labels(num: int, num_classes: int, device: str | torch.device) -> Tensor | None:
    return torch.zeros(num, dtype=torch.int64, device=device) if num_classes else None


@contextmanager
def _timed(device: torch.device) -> Iterator[list[float]]:
    """The seconds within it, once it has ended: wall seconds of a GPU, CPU seconds of a CPU."""
    took: list[float] = []
    is_gpu = device.type == "cuda"
    clock = time.perf_counter if is_gpu else time.process_time
    if is_gpu:
        torch.cuda.synchronize()
    begun = clock()
    yield took
    if is_gpu:
        torch.cuda.synchronize()
    took.append(clock() - begun)
