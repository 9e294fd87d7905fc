"""What each student was given and what it costs: numbers compare only where these are equal."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """One student's."""

    name: str
    num_images: int  # samples that it was trained on, repeats counted
    cpu_seconds: float | None  # of its training; None where it was not timed
    has_critic: bool
    num_trained: int  # parameters
    num_used: int  # parameters, for sampling
    nfe: int  # evaluations a sample
    num_networks: int  # modules that an evaluation passes through


def compared(budgets: Sequence[Budget]) -> str:
    """A sentence on whether the students were given the same; nothing of a single one."""
    if len(budgets) < 2:
        return ""
    images = {budget.num_images for budget in budgets}
    said = [f"{budget.name} {budget.num_images:,}" for budget in budgets]
    words = "Every student was trained on as many images."
    if len(images) > 1:
        words = f"The budgets are not equal: images trained on are {', '.join(said)}."
    critics = [budget.name for budget in budgets if budget.has_critic]
    if critics and len(critics) < len(budgets):
        verb = "has" if len(critics) == 1 else "have"
        words += f" Only {' and '.join(critics)} {verb} a critic."
    return words
