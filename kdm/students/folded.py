"""A Koopman student whose weights stand still (Algorithm 2): what follows from them is computed once.

The embeddings of the constant times are in the U-Nets' weights, the operator is one real matrix, and
its bias and the control are one row, or one a class (kdm.md 1.4, 4.1).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kdm.networks.folded_unet import FoldedUNet
from kdm.operators import KoopmanOperator
from kdm.shapes import Labels, Latents, Samples
from kdm.students.unet_codes import UNetDecoder, UNetEncoder

Rows = Float[Tensor, "classes d"]


class FoldedKoopman(nn.Module):
    """x_T → x_0^ in scaled units; U-Nets compute in `dtype`, MLPs as they are."""

    rows: Tensor | None  # [classes or 1, d], added to C z_T

    @torch.no_grad()
    def __init__(
        self,
        encoder: nn.Module,
        operator: KoopmanOperator,
        control: nn.Linear | None,
        decoder: nn.Module,
        *,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        self.encoder = _folded_encoder(encoder, dtype)
        self.decoder = _folded_decoder(decoder, dtype)
        self.register_buffer("matrix", operator.matrix().detach().contiguous())
        self.register_buffer("rows", _rows(operator, control))
        self._has_classes = control is not None

    def forward(self, x: Samples, label: Labels | None) -> Samples:
        """Noise over its divisor, and numbers of classes where the student tells some apart."""
        z_T: Latents = self.encoder(x, label)
        x_0: Samples = self.decoder(self._pushed(z_T, label), label)
        return x_0

    @property
    def unets(self) -> tuple[FoldedUNet, ...]:
        """What torch.compile may take: `unet.compile()`."""
        return tuple(each for each in self.modules() if isinstance(each, FoldedUNet))

    def _pushed(self, z_T: Latents, label: Labels | None) -> Latents:
        matrix = self.get_buffer("matrix")
        if self.rows is None:
            return F.linear(z_T, matrix)
        if not self._has_classes:
            return F.linear(z_T, matrix, self.rows[0])
        return F.linear(z_T, matrix) + self.rows[label]


class _Encoder(nn.Module):
    def __init__(self, coder: UNetEncoder, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.unet, self.linear = FoldedUNet(coder.unet, coder.t, dtype=dtype), coder.linear

    def forward(self, x: Samples, label: Labels | None) -> Latents:
        z: Latents = self.unet(x, label).flatten(1)
        return z if self.linear is None else self.linear(z)


class _Decoder(nn.Module):
    def __init__(self, coder: UNetDecoder, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.unet, self.linear = FoldedUNet(coder.unet, coder.t, dtype=dtype), coder.linear
        self._shape = coder.shape

    def forward(self, z: Latents, label: Labels | None) -> Samples:
        picture = (z if self.linear is None else self.linear(z)).reshape(len(z), *self._shape)
        x: Samples = self.unet(picture, label)
        return x


class _AsItIs(nn.Module):
    """A coder that looks at no label."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, x: Samples, _label: Labels | None) -> Samples:
        made: Samples = self.coder(x)
        return made


def _folded_encoder(coder: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    return _Encoder(coder, dtype) if isinstance(coder, UNetEncoder) else _AsItIs(coder)


def _folded_decoder(coder: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    return _Decoder(coder, dtype) if isinstance(coder, UNetDecoder) else _AsItIs(coder)


def _rows(operator: KoopmanOperator, control: nn.Linear | None) -> Rows | None:
    """The operator's bias and, a row a class, the control's weight and bias."""
    bias = operator.bias()
    rows = None if bias is None else bias[None]
    if control is None:
        return rows
    of_labels = control.weight.T + control.bias
    return of_labels if rows is None else rows + of_labels
