"""Which of several averages of a student's weights a training exports.

    θ̄* = argmin over averages θ̄_k of  L(θ̄_k; pairs kept apart)

How far an average should reach isn't known before a run, and samples depend on it strongly (Karras et al.
2024, Sec. 3): the decay alone may change a Fréchet distance by a quarter. Several averages of one run cost
memory and nothing else. They are compared by the student's own loss on the last `choose_on` indices of the
training split, which no step learns from and no metric reads: held-out pairs are left for reports.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kdm.data import batch_of
from kdm.randomness.step_seeds import seed_step
from kdm.students.student import Student
from kdm.training.ema import Ema, averaged
from kdm.training.inputs import PairsInput
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from storage.records import PairBatch, concatenate


@dataclass(frozen=True)
class Choice:
    """What was found: the loss of each average, in the order of the options, and the chosen one."""

    losses: tuple[float, ...]
    num_pairs: int

    @property
    def chosen(self) -> int:
        """The number of the average with the lowest loss, from 0; of equal ones the first."""
        finite = [row for row, loss in enumerate(self.losses) if math.isfinite(loss)]
        return min(finite, key=self.losses.__getitem__)

    def document(self, options: TrainingOptions) -> dict[str, Any]:
        """As JSON values, for the result's config.json."""
        assert options.ema is not None
        spans = [{"decay": each.decay, "warmup": each.warmup} for each in options.ema.spans]
        rows = [{**span, "loss": loss} for span, loss in zip(spans, self.losses, strict=True)]
        return {"num_pairs": self.num_pairs, "chosen": self.chosen, "of": rows}


def choice_among(
    averages: Sequence[Ema],
    pairs: PairsInput,
    options: TrainingOptions,
    device: torch.device,
    *,
    notify: Callable[[Notice], None],
) -> Choice:
    """The choice among a student's averages; it has the weights afterwards that it had before.

    Raises a ValueError if masks drop all pairs that were kept apart, or no loss is finite.
    """
    apart = concatenate(list(pairs.kept_apart(options)))
    if not len(apart):
        raise ValueError(
            f"filters dropped all {options.num_apart} pairs that training.ema.choose_on keeps apart; "
            "raise it"
        )
    choice = Choice(tuple(_loss(each, apart, options, device) for each in averages), len(apart))
    if not any(map(math.isfinite, choice.losses)):
        raise ValueError(
            "no average of the weights has a finite loss on the pairs kept apart; "
            "try a lower training.learning_rate"
        )
    notify(Notice(_sentence(choice, options)))
    return choice


@torch.no_grad()
def _loss(average: Ema, apart: PairBatch, options: TrainingOptions, device: torch.device) -> float:
    """The student's loss with these weights, its mean over the pairs."""
    student, size, total = average.model, options.batch_size, 0.0
    assert isinstance(student, Student)
    with averaged(average):
        for number, first in enumerate(range(0, len(apart), size)):
            rows = apart.take(slice(first, first + size))
            # The same random numbers for every average, and none that a step has drawn.
            seed_step(options.seed, options.num_steps + number)
            loss = student.measure(batch_of(rows, device)).total
            total += loss.item() * len(rows)
    return total / len(apart)


def _sentence(choice: Choice, options: TrainingOptions) -> str:
    assert options.ema is not None
    found = ", ".join(
        f"{loss:.4g} (decay {span.decay}, warmup {span.warmup})"
        for span, loss in zip(options.ema.spans, choice.losses, strict=True)
    )
    return (
        f"loss of {len(choice.losses)} averages on {choice.num_pairs:,} pairs kept apart: {found}; "
        f"number {choice.chosen + 1} is exported"
    )
