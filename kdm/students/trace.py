"""What a student makes of a batch, from which all its losses are measured."""

from typing import NamedTuple

from kdm.shapes import Latents, Samples


class Trace(NamedTuple):
    """A batch on its way through a student, in scaled units; None is what no loss asks for.

    z_0 and x_rec are of the first rows only (`rec_lat_share`); z_0 and z_T are without ε.
    """

    x_0: Samples
    z_0: Latents | None
    z_T: Latents | None
    pushed: Latents | None  # z_0^, from the noisy z_T
    x_pred: Samples | None
    x_rec: Samples | None  # from the noisy z_0
