"""What a student makes of a batch (Algorithm 1, lines 2 to 9), from which all its losses are computed."""

from typing import NamedTuple

from kdm.shapes import Latents, Samples


class Trace(NamedTuple):
    """A batch on its way through a student, in scaled units; None for what no loss needs.

    Samples are (n, ...), latents (n, d). z_0 and x_rec cover only the first rows (`rec_lat_share`);
    z_0 and z_T are without ε.
    """

    x_0: Samples
    z_0: Latents | None = None
    z_T: Latents | None = None
    pushed: Latents | None = None  # z_0^, from the noisy z_T
    x_pred: Samples | None = None
    x_rec: Samples | None = None  # from the noisy z_0
