"""Samples a second of exported students: ONNX Runtime and torch.export beside `generate`, in turns.

One thread, CPU seconds; the same weights, noise and batch. Weights are random: no speed depends on them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.sides import Side, answer, compared
from kdm.exporters.forms import FORMS
from kdm.exporters.traced import traced
from kdm.presets.presets import preset
from kdm.students.student import Student
from storage.records import PairSchema

BAR = 0.9  # times the speed of `generate`, for ONNX
MAX_DIFFERENCE = 1e-4  # of the range
NUM_WARM, NUM_ROUNDS, SEED = 2, 10, 5


class Case(NamedTuple):
    """A student by its preset, and how many samples it makes at once."""

    preset: str
    batch: int


CASES = (
    Case("checkerboard", 2500),
    Case("cifar10", 1),
    Case("cifar10", 8),
    Case("cifar10-cond-kdm-f", 8),
    Case("cifar10-regression", 8),
    Case("get-t", 8),
)


def table() -> Iterator[str]:
    yield (
        "| student | batch | file | MB | over the weights | generate, samples/s | file, samples/s "
        "| times as fast (95 %) | bar |"
    )
    yield "|---|---:|---|---:|---:|---:|---:|---:|---|"
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            for form in FORMS:
                yield _row(case, form, folder)


def _row(case: Case, form: str, folder: str) -> str:
    student, schema = _student(case.preset)
    data = FORMS[form].write(traced(student, schema), {})
    Path(folder, form).write_bytes(data)
    given = (case.preset, str(case.batch), folder)
    with ExitStack() as stack:
        sides = [Side("exported.serve", *given), Side("exported.serve_file", form, *given)]
        for side in sides:
            stack.enter_context(side)
        rounds = [[side.take("sample") for side in sides] for _ in range(NUM_WARM + NUM_ROUNDS)]
    _require_equal(folder, form)
    by_generate, by_file = zip(*rounds[NUM_WARM:], strict=True)
    (own, exported), ratio = compared(by_generate, by_file, "cpu")
    modules = student.inference_modules()
    num_bytes = sum(each.nbytes for module in modules for each in module.parameters())
    bar = f"≥ {BAR}" if form == "onnx" else ""
    return (
        f"| {case.preset} | {case.batch} | {form} | {len(data) / 1e6:.2f} | {len(data) / num_bytes:.3f} "
        f"| {case.batch / own:.3g} | {case.batch / exported:.3g} | {ratio} | {bar} |"
    )


def serve(name: str, batch: str, folder: str) -> None:
    """`generate` of the student itself."""
    torch.set_num_threads(1)
    student, schema = _student(name)
    x_T, label = _given(student, schema, int(batch))

    def sample() -> None:
        np.save(f"{folder}/generate.npy", student.generate(x_T, label).numpy())

    answer({"sample": sample})


def serve_file(form: str, name: str, batch: str, folder: str) -> None:
    """The file, as another program runs it."""
    torch.set_num_threads(1)
    run = FORMS[form].open(Path(folder, form).read_bytes())
    student, schema = _student(name)
    x_T, label = _given(student, schema, int(batch))
    labels = None if label is None else label.numpy()

    def sample() -> None:
        np.save(f"{folder}/{form}.npy", run(x_T.numpy(), labels))

    answer({"sample": sample})


def _student(name: str) -> tuple[Student, PairSchema]:
    torch.manual_seed(0)
    chosen = preset(name)
    student = chosen.student.build(chosen.schema)
    for each in student.parameters():
        each.data.add_(0.01 * torch.randn_like(each))
    return student.eval().requires_grad_(False), chosen.schema


def _given(
    student: Student, schema: PairSchema, count: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    x_T = torch.randn(count, *schema.shape, generator=torch.Generator().manual_seed(SEED))
    label = torch.arange(count) % student.num_classes if student.num_classes else None
    return schema.noise.scale * x_T, label


def _require_equal(folder: str, form: str) -> None:
    own, exported = (np.load(f"{folder}/{name}.npy") for name in ("generate", form))
    difference = np.abs(own - exported).max() / np.ptp(own)
    assert difference <= MAX_DIFFERENCE, f"{form} is {difference:.1e} of the range away"
