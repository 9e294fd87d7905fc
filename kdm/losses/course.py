"""A number that may change while something trains: constant, or from one value to another.

    v(s) = end + (begin − end) · ½ (1 + cos(π min(s / over, 1))),   s the share that is done

This is the cosine of R3GAN's burn-in (Huang et al. 2024, App. B), in which γ, the rate, β₂ and the
probability of augmentation go from what is safe to what is best. A pure function of s: nothing to resume.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from storage.options import Options


class Ramp(Options):
    """From `begin` to `end` over the first `over` of the time, then `end`."""

    begin: float = Field(ge=0)  # the value at first
    end: float = Field(ge=0)  # the value at last
    over: float = Field(1.0, gt=0, le=1)  # share of the time; then the value stays


def _kind(value: Any) -> str:
    """So that a wrong value is told once, as the number or the course that its author meant."""
    return "course" if isinstance(value, Mapping | Ramp) else "number"


AsCourse = Annotated[Ramp, Tag("course")]
AsNumber = Tag("number")
EitherKind = Discriminator(_kind)
Course = Annotated[Annotated[float, AsNumber] | AsCourse, EitherKind]


def at(course: float | Ramp, share: float) -> float:
    """The value once `share` (0 … 1) of the time is done."""
    if not isinstance(course, Ramp):
        return course
    half = 0.5 * (1 + math.cos(math.pi * min(share / course.over, 1)))
    return course.end + (course.begin - course.end) * half


def ends(course: float | Ramp) -> tuple[float, float]:
    """The least and the greatest value."""
    if not isinstance(course, Ramp):
        return course, course
    return min(course.begin, course.end), max(course.begin, course.end)
