"""Each student's budget and cost: numbers compare only if these are equal.

A student that saw twice the images, or was trained with a critic, may be better for that alone. So the
report prints the budgets and says in words if they differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """One student's budget: what its training used, and what sampling from it takes."""

    name: str
    num_images: int  # samples that it was trained on, repeats counted
    cpu_seconds: float | None  # of its training; None if it wasn't timed
    has_critic: bool
    num_trained: int  # parameters
    num_used: int  # parameters, for sampling
    nfe: int  # evaluations a sample
    num_networks: int  # modules that an evaluation passes through


def compared(budgets: Sequence[Budget]) -> str:
    """Whether the students were given the same, in a sentence or two; '' for a single one."""
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


def unequal(num_images: Mapping[str, int]) -> str:
    """'kdm saw 102,400 pairs, regression 51,200: …', by student; '' if all saw as many.

    `num_images` counts repeats: a pair that was used in ten epochs counts ten times.
    """
    by_number: dict[int, list[str]] = {}
    for name, number in num_images.items():
        by_number.setdefault(number, []).append(name)
    if len(by_number) < 2:
        return ""
    first, *others = (
        (", ".join(names), f"{number:,}")
        for number, names in sorted(by_number.items(), reverse=True)
    )
    more = "".join(f"; {names} {number}" for names, number in others)
    return f"{first[0]} saw {first[1]} pairs{more}: compare students at equal budgets"
