"""Checks before long work that this machine has the arithmetic that a recipe asks for."""

from collections.abc import Iterator
from typing import NamedTuple

from flows.config.generated_pairs import GeneratedPairs
from flows.config.recipe import Recipe
from flows.stage import Run
from storage.errors import StoreError
from storage.golden_noise import GOLDEN_NOISE, golden_noise_digest


class _Asked(NamedTuple):
    where: str  # in the recipe
    precision: str


def require_arithmetic(run: Run) -> None:
    """A ValueError for 'tf32' without a GPU, in any stage."""
    for where, precision in _asked(run.recipe):
        if precision == "tf32" and run.settled_device != "cuda":
            raise ValueError(
                f"{where} is 'tf32', which needs a GPU, not {run.settled_device}; choose 'float32', "
                "or run on a GPU with --device cuda"
            )


def _asked(recipe: Recipe) -> Iterator[_Asked]:
    if recipe.teacher is not None and recipe.teacher.training is not None:
        yield _Asked("teacher.training.precision", recipe.teacher.training.precision)
    if isinstance(recipe.pairs, GeneratedPairs):
        yield _Asked("pairs.precision", recipe.pairs.precision)
    for student in recipe.students:
        where = f"training.precision of student '{student.name}'"
        yield _Asked(where, student.training.precision)


def require_sound_noise() -> None:
    """A StoreError if this machine's numpy draws other noise than every store rests on."""
    found = golden_noise_digest()
    if found != GOLDEN_NOISE:
        raise StoreError(
            f"this machine's numpy draws other noise ({found}… for the golden sample, right is "
            f"{GOLDEN_NOISE}…); pairs made here would not match other machines': install another numpy"
        )
