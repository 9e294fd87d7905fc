"""Weights and kinds of the Koopman student's losses (Eqs. 4–7).

    L_Koopman = w_rec d(x_0, D_ψ(z_0 + ε_0)) + w_lat ‖z_0 − z_0^‖² + w_pred d(x_0, D_ψ(z_0^))
    z_0^ = C_η (z_T + ε_T) (+ C_μ y)

The noise ε on both latents (Algorithm 1, line 4) makes decoder and operator smooth around them. The paper
writes N(0, 0.4); in its published code 0.4 is the standard deviation. The latent term is the mean square
for every d, and its gradient reaches both encoders (Algorithm 1, line 10).
"""

from typing import Annotated

from pydantic import Field, model_validator

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from storage.options import Options
from storage.plugins import Configured


class KoopmanLosses(Options):
    """Weights of Eq. 4's terms (0 switches one off), d of Eqs. 5 and 7, and the latent noise ε.

    The paper gives all terms weight 1; with a tenth for rec and lat the error of x_0^ was half as large.
    """

    rec: float = Field(0.1, ge=0)  # w_rec, of the reconstruction (Eq. 5)
    lat: float = Field(0.1, ge=0)  # w_lat, of the latents (Eq. 6)
    pred: float = Field(1.0, ge=0)  # w_pred, of the prediction (Eq. 7)
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()  # d, a plugin and its options
    # The share of each batch on which rec and lat are measured; pred is always measured on all of it.
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
        """The weights by the terms' names."""
        return {"rec": self.rec, "lat": self.lat, "pred": self.pred}
