"""D_θ(x; σ) at one noise level, with weights that don't change (folded_unet.py says what that saves).

D = c_skip x + c_out F_θ(c_in x; c_noise),   the four numbers known (Karras et al. 2022, Eq. 7)
"""

import torch
from torch import nn

from kdm.networks.folded_unet import FoldedUNet
from kdm.networks.image_shapes import ClassLabels, Images, Maps
from kdm.networks.preconditioning import EDM, joined
from kdm.networks.song_unet import SongUNet


class FoldedDenoiser(nn.Module):
    """D_θ (n, c, h, w) of x (n, c, h, w) at σ = `sigma`; a copy, which later changes of θ don't reach.

    Where F_θ takes or gives other channels than a picture's they are `joined`.
    `dtype` is what F_θ computes in; None: its own type.
    """

    def __init__(self, denoiser: EDM, sigma: float, *, dtype: torch.dtype | None) -> None:
        super().__init__()
        assert isinstance(denoiser.model, SongUNet)  # `can_fold` has looked
        # On the CPU also where the weights are shapes alone.
        level = torch.full((1,), sigma, dtype=torch.float32, device="cpu")
        c = denoiser.coefficients(level)
        self._skip, self._out, self._in = float(c.skip), float(c.out), float(c.in_)
        self.unet = FoldedUNet(denoiser.model, float(c.noise), dtype=dtype)

    def forward(self, x: Images, label: ClassLabels | None = None) -> Maps:
        """Class numbers `label` (n,) if the network distinguishes classes."""
        return joined(x, self.unet(self._in * x, label), skip=self._skip, out=self._out)


def can_fold(network: nn.Module) -> bool:
    """Whether it is a DDPM++ that carries no second picture along, alone or in EDM's own denoiser."""
    unet = network.model if isinstance(network, EDM) else network
    if not isinstance(unet, SongUNet):
        return False
    return unet.options.encoder_type == unet.options.decoder_type == "standard"


def folded(network: nn.Module, level: float, *, dtype: torch.dtype | None) -> nn.Module:
    """A network that `can_fold`: a denoiser at σ = `level`, or a U-Net at c_noise = `level`.

    It is called with pictures (n, c, h, w) and class numbers (n,) or None.
    """
    if isinstance(network, EDM):
        return FoldedDenoiser(network, level, dtype=dtype)
    assert isinstance(network, SongUNet)
    return FoldedUNet(network, level, dtype=dtype)
