"""Which intervals [r, t] of time a student of average velocities is trained on (Zhang et al. 2025)."""

from typing import Annotated

from pydantic import Field

from storage.options import Options

Time = Annotated[float, Field(ge=0, le=1)]


class IntervalOptions(Options):
    """At which times t training looks, and back to which times r."""

    # p(t) ∝ exp(a (t − ½)) + exp(−a (t − ½)), as in `reflow`.
    time_exponent: float = Field(4.0, ge=0, le=50)
    share: Time = 0.25  # of each batch that has an interval; the rest has r = t
    # t − r is the sigmoid of a normal number of this mean and deviation, or t if that is less.
    mean: float = Field(-0.8, ge=-20, le=20)
    std: float = Field(1.0, ge=0, le=20)  # of the same normal number
    # Where t is above the first and r below the second, r is 0: what sampling needs, without intervals
    # nearly as long whose derivatives vary most. Null: r stays.
    corner: tuple[Time, Time] | None = (0.95, 0.4)
