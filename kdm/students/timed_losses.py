"""Weights of kdm-t's losses, and on how many states they are measured.

    pred    d(D(e^{tA} E(x_t, t), 0), x_0)          from x_T, and as `pred_states` from k stored states
    later   ‖D(e^{(t−s)A} E(x_t, t), s) − m_s‖²     to a random stored time s < t, or to data
    lat     ‖e^{(t−s)A} E(x_t, t) − E(x_s, s)‖²     that the latents of one trajectory agree
    rec     ‖D(E(x_s, s), s) − m_s‖²
    again   d(D(e^{sA} E(x_s^, s), 0), x_0)         from the student's own x_s^, and `again_later`, which is
                                                    `later` from there and has its weight

m_s is what x_s holds beyond its share of the noise x_T (koopman_timed.py). Every time counts alike.
"""

from typing import Annotated

from pydantic import Field, model_validator

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from storage.options import Options
from storage.plugins import Configured


class TimedLosses(Options):
    """Weights (0 switches a term off), the distance d of data, and the states that a step looks at."""

    pred: float = Field(1.0, gt=0)  # weight of pred
    pred_states: float = Field(1.0, ge=0)  # weight of pred from stored states
    later: float = Field(0.5, ge=0)  # weight of later
    lat: float = Field(0.0, ge=0)  # weight of lat
    rec: float = Field(0.0, ge=0)  # weight of rec
    again: float = Field(0.0, ge=0)  # weight of again
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()  # d, a plugin and its options
    # k: random stored states of each sample from which data are predicted, beside x_T.
    num_states: int = Field(1, ge=0, le=64)
    # The share of each batch on which later, lat and rec are measured.
    later_share: float = Field(0.5, gt=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> "TimedLosses":
        if bool(self.num_states) != bool(self.pred_states):
            raise ValueError(
                f"num_states is {self.num_states} and pred_states {self.pred_states}; set both to 0, "
                "or neither"
            )
        return self

    @property
    def goes_later(self) -> bool:
        """Whether a term needs a later time of the same trajectory."""
        return bool(self.later or self.lat or self.rec or self.again)

    @property
    def weights(self) -> dict[str, float]:
        """The weights by the terms' names."""
        names = ("pred", "pred_states", "later", "lat", "rec", "again")
        return {name: getattr(self, name) for name in names} | {"again_later": self.later}
