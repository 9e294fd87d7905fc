"""Seconds of a training iteration: this project's trainer against the published one, in turns.

All of Algorithm 1: four passes of U-Nets, the distance, the critic's step and its term, the penalties, Adam,
the average, and what either does about numbers that are none. Same pairs, weights and batch; float32 and
one thread on a CPU, where CPU seconds count. On a GPU, wall seconds of bfloat16 and torch.compile against
the published code as it is. In place of piq's LPIPS both have the same sum by a VGG16 of random weights.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.measured import measured, python
from benchmarks.sides import Side, Took, Turns, compared
from benchmarks.step_inputs import Case, training_job, write_inputs
from kdm.training.run_job import run_job
from storage.digest import unseal

NUM_ROUNDS, NUM_WARM = 8, 2
# Of losses, relative: at the first step rounding alone, then what a step of Adam makes of it. The student's
# adversarial term comes after the critic's step, whose batch norms blow up the first x_0^, next to nothing.
NUM_COMPARED, AT_FIRST, LATER = 3, 1e-5, 1e-3
PUBLISHED_NAMES = {
    "latent_loss": ("student/lat",),
    "rec_loss": ("student/rec",),
    "push_rec_loss": ("student/pred",),
    "adv_loss_our": ("student/adv",),
    "eigen_koopman_loss": ("student/spectral", "student/inverse"),
    "loss": ("student/total",),
    "adv_loss": ("critic/total",),
}
WITHOUT_CLONE = (
    "With `--clone PATH`, a `git clone https://github.com/azencot-group/KDM` of your own (it states no "
    "licence), this compares seconds a training iteration with its trainer: same weights, pairs and batch."
)


class How(NamedTuple):
    """A way to train, and the share of the published time that it may take."""

    precision: str
    bar: float
    is_compiled: bool = False


CASES = {
    Case("cifar_uncond", "cifar10"): (How("float32", 0.88), How("bfloat16", 0.75)),
    Case("cifar_uncond_decomposed", "cifar10-kdm-f"): (How("float32", 0.78),),
}
ON_GPU = {
    Case("cifar_uncond", "cifar10", 128, "cuda"): (How("bfloat16", 0.33, is_compiled=True),),
}


def table(clone: str | None = None) -> Iterator[str]:
    if clone is None or not Path(clone, "trainer", "trainer.py").is_file():
        yield (f"{clone} holds no trainer/trainer.py. " if clone else "") + WITHOUT_CLONE
        return
    cases = CASES | (ON_GPU if torch.cuda.is_available() else {})
    yield "| published configuration | here | published, s | here, s | of its time (95 %) | bar |"
    yield "|---|---|---:|---:|---:|---:|"
    for case, ways in cases.items():
        yield from _rows(case, ways, str(Path(clone).resolve()))
    yield ""
    yield "LPIPS is by a VGG16 of random weights on both sides, in place of piq's."


def _rows(case: Case, ways: tuple[How, ...], clone: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_inputs(folder, case)
        if case.device == "cpu":
            require_equal(folder, case, clone)
        given = (clone, folder, case.config, case.device)
        sides = [stack.enter_context(Side("published_steps.serve", *given))]
        for how in ways:
            asked = (folder, json.dumps(case), json.dumps(how))
            sides.append(stack.enter_context(Side("student_steps.serve", *asked)))
        rounds = [[side.take("step") for side in sides] for _ in range(NUM_WARM + NUM_ROUNDS)]
        published, *ours = zip(*rounds[NUM_WARM:], strict=True)
        for how, took in zip(ways, ours, strict=True):
            yield _row(case, how, published, took)


def _row(case: Case, how: How, published: tuple[Took, ...], took: tuple[Took, ...]) -> str:
    (ours, theirs), share = compared(took, published, case.device)
    return (
        f"| {case.config}, batch {case.batch}, {case.device} "
        f"| {how.precision}{', compiled' * how.is_compiled} | {theirs:.3g} | {ours:.3g} "
        f"| {share} | ≤ {how.bar} |"
    )


def require_equal(folder: str, case: Case, clone: str) -> None:
    """Losses of the first steps without noise and dropout; an AssertionError where they differ."""
    given = (clone, folder, case.config, str(NUM_COMPARED))
    published = json.loads(_said("published_steps.losses", *given))
    here = json.loads(_said("student_steps.losses", folder, json.dumps(case)))
    for step, ours in enumerate(here):
        for name, values in published.items():
            if name not in PUBLISHED_NAMES:
                continue
            wanted, made = values[step], sum(ours[each] for each in PUBLISHED_NAMES[name])
            is_later = step or name == "adv_loss_our"
            assert abs(made - wanted) <= (LATER if is_later else AT_FIRST) * abs(wanted), (
                f"{name} at step {step} is {made} here and {wanted} in the published code"
            )


def _said(call: str, *arguments: str) -> str:
    return measured(call, python(call, *arguments)).said.splitlines()[-1]


def losses(folder: str, case: str) -> None:
    """Print those of the first steps, by name."""
    still = {"num_steps": NUM_COMPARED, "log_every": 1}
    job = training_job(folder, Case(*json.loads(case)), is_still=True, **still)
    run_job(job, report=_nobody)
    told = unseal(Path(job.folder, "losses.json").read_bytes(), "losses")["losses"]
    print(json.dumps([each["losses"] for each in told]))


def serve(folder: str, case: str, how: str) -> None:
    """This side: `python -m kdm.training`'s own function, a step a turn."""
    chosen = How(*json.loads(how))
    described = Case(*json.loads(case))
    job = training_job(
        folder, described, precision=chosen.precision, is_compiled=chosen.is_compiled
    )
    settle = torch.cuda.synchronize if job.device == "cuda" else None
    run_job(job, report=_nobody, should_stop=Turns(settle))


def _nobody(_said: object) -> None:
    """Listens."""
