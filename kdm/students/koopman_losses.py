"""Weights and kinds of the Koopman student's losses (Eqs. 4–7)."""

from typing import Annotated

from pydantic import Field, model_validator

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from storage.options import Options
from storage.plugins import Configured


class KoopmanLosses(Options):
    """Weights of Eq. 4's terms (0 switches one off), d of Eqs. 5 and 7, and the latent noise ε.

    The paper weighs all terms alike; a tenth for rec and lat halved the error of x_0^.
    """

    rec: float = Field(0.1, ge=0)
    lat: float = Field(0.1, ge=0)
    pred: float = Field(1.0, ge=0)
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()
    # The share of each batch on which rec and lat are measured; pred always has all of it.
    rec_lat_share: float = Field(0.25, gt=0, le=1)
    # Standard deviation of ε_0 and ε_T (Algorithm 1; published: 0.4).
    latent_noise: float = Field(0.02, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "KoopmanLosses":
        if not (self.rec or self.lat or self.pred):
            raise ValueError("rec, lat and pred are all 0; at least one loss must have a weight")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """By the terms' names."""
        return {"rec": self.rec, "lat": self.lat, "pred": self.pred}
