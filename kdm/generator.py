"""The generator A of a Koopman flow in continuous time, and e^{hA} in closed form.

    z(s) = e^{(t − s) A} z(t),   t ≥ s in 0 … 1,   1 is noise and 0 data

A is block-diagonal: a pair of latent numbers (u, v), seen as u + iv, is multiplied by e^{h (a + ib)}: it
grows by e^{ha} and turns by the angle hb. Such blocks are every real matrix without Jordan blocks, up to a
change of basis, which encoder and decoder can learn ("Hierarchical Koopman diffusion", arXiv 2510.12220;
their time runs the other way, so that their A is −A here).
"""

import torch
from torch import Tensor, nn

from kdm.networks.image_shapes import Times
from kdm.operators import KoopmanOperator
from kdm.shapes import Eigenvalues, Latents, Matrix


class Generator(KoopmanOperator):
    """e^{hA} for d latent numbers; number j and number j + d/2 are a pair.

    As an operator it is C = e^A, from noise to data, a normal matrix. A starts at 0 and e^A at 1. Raises a
    ValueError for an odd d.
    """

    is_normal = True

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        if latent_dim % 2:
            raise ValueError(
                f"latents turn in pairs, so that their number must be even, not {latent_dim}; "
                "choose another number of latents or channels"
            )
        self.growth = nn.Parameter(torch.zeros(latent_dim // 2))  # a
        self.turn = nn.Parameter(torch.zeros(latent_dim // 2))  # b, in radians over the whole way

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """A = 0, as it is drawn."""
        self.growth.zero_()
        self.turn.zero_()

    def forward(self, z_T: Latents) -> Latents:
        """e^A z_T, rows (n, d): all the way from noise to data."""
        return self.evolved(z_T, z_T.new_ones(1))

    def evolved(self, z: Latents, way: Times, *, learns: bool = True) -> Latents:
        """e^{hA} z, rows (n, d), with h = `way` (n,) or (1,): the time t − s that they go towards data.

        A gets no gradient if it doesn't learn from this.
        """
        turn, growth = (each if learns else each.detach() for each in (self.turn, self.growth))
        h = way[:, None]
        angle, size = h * turn, torch.exp(h * growth)
        cos, sin = size * torch.cos(angle), size * torch.sin(angle)
        u, v = z.chunk(2, 1)
        return torch.cat([cos * u - sin * v, sin * u + cos * v], 1)

    def matrix(self) -> Matrix:
        """e^A (d, d), made of four diagonal blocks; its d² numbers may be too many for large pictures."""
        multiplier = self._multiplier()
        cos, sin = torch.diag(multiplier.real), torch.diag(multiplier.imag)
        return torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])

    def eigenvalues(self) -> Eigenvalues:
        """e^{a ± ib}, complex (d,), without gradients."""
        found = self._multiplier().detach()
        return torch.cat([found, found.conj()])

    def _multiplier(self) -> Tensor:
        return torch.exp(torch.complex(self.growth, self.turn))
