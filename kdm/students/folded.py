"""A Koopman student whose weights no longer change (Algorithm 2): what follows from them alone is kept.

    z_T = E_φ_T(x_T);   z_0^ = C z_T + r_y;   x_0^ = D_ψ(z_0^)

Times are constants, so that their embeddings become part of the U-Nets' biases. C is one real matrix
(d, d), for KDM-F too: d² multiplications a sample instead of 4 d². r_y is the operator's bias plus
C_μ y: one row, or one for each class y. In real arithmetic nothing changes; in float32 samples agree
with the unfolded student's to about 1e-5 of the largest value.
"""

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kdm.coders.denoiser_codes import DenoiserCode, DenoiserDecoder
from kdm.coders.unet_codes import UNetDecoder, UNetEncoder
from kdm.networks.folded_denoiser import can_fold, folded
from kdm.networks.folded_unet import FoldedUNet
from kdm.operators import KoopmanOperator
from kdm.shapes import Labels, Latents, Samples
from kdm.students.labels import one_hot
from kdm.students.sampler import Sampler

Rows = Float[Tensor, "classes d"]


class FoldedKoopman(nn.Module):
    """x_T → x_0^ in scaled units; U-Nets compute in `dtype` (None: their own), MLPs as they are.

    It holds copies of what it folds: a later change of the student's weights doesn't reach it. Without
    `folds_coders` only the operator is folded.
    """

    rows: Tensor | None  # r, (classes or 1, d), added to C z_T

    @torch.no_grad()
    def __init__(
        self,
        encoder: nn.Module,
        operator: KoopmanOperator,
        control: nn.Linear | None,
        decoder: nn.Module,
        *,
        dtype: torch.dtype | None,
        folds_coders: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = _folded_encoder(encoder, dtype) if folds_coders else _AsItIs(encoder)
        self.decoder = _folded_decoder(decoder, dtype) if folds_coders else _AsItIs(decoder)
        self.register_buffer("matrix", operator.matrix().detach().contiguous())
        self.register_buffer("rows", _rows(operator, control))
        self._has_classes = control is not None

    def forward(self, x: Samples, label: Labels | None) -> Samples:
        """x_T over its divisor (n, ...) to x_0^ (n, ...), flat from an MLP.

        `label` (n,) holds class numbers, and is required if the student distinguishes classes.
        """
        z_T: Latents = self.encoder(x, label)
        x_0: Samples = self.decoder(self._pushed(z_T, label), label)
        return x_0

    @property
    def unets(self) -> tuple[FoldedUNet, ...]:
        """The parts that torch.compile may compile: `unet.compile()`."""
        return tuple(each for each in self.modules() if isinstance(each, FoldedUNet))

    def sampler(self, *, takes: float, gives: float) -> Sampler:
        """The same in the pairs' units: x_T over `takes`, and x_0^ times `gives`."""
        return Sampler(self, takes=takes, gives=gives)

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
        picture = (z if self.linear is None else self.linear(z)).reshape(z.shape[0], *self._shape)
        x: Samples = self.unet(picture, label)
        return x


class _Denoiser(nn.Module):
    def __init__(self, coder: DenoiserCode, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.denoiser = folded(coder.denoiser, coder.sigma, dtype=dtype)
        self._scale, self._is_decoder = coder.data_scale, isinstance(coder, DenoiserDecoder)
        self._shape = coder.in_shape

    def forward(self, x: Samples, label: Labels | None) -> Samples:
        made: Samples = self.denoiser(self._scale * x.reshape(x.shape[0], *self._shape), label)
        return (made if self._is_decoder else made.flatten(1)) / self._scale


class _AsItIs(nn.Module):
    """A coder that has nothing to fold, or can't be folded."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, x: Samples, label: Labels | None) -> Samples:
        made: Samples = self.coder(x, one_hot(label, _num_classes(self.coder), like=x))
        return made


def _num_classes(coder: nn.Module) -> int:
    """How many classes a coder distinguishes; an MLP sees no label."""
    if isinstance(coder, DenoiserCode):
        return coder.num_classes
    return coder.unet.options.label_dim if isinstance(coder, UNetEncoder | UNetDecoder) else 0


def _folded_denoiser(coder: DenoiserCode, dtype: torch.dtype | None) -> nn.Module:
    is_foldable = can_fold(coder.denoiser)
    return _Denoiser(coder, dtype) if is_foldable else _AsItIs(copy.deepcopy(coder))


def _folded_encoder(coder: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    if isinstance(coder, DenoiserCode):
        return _folded_denoiser(coder, dtype)
    return _Encoder(coder, dtype) if isinstance(coder, UNetEncoder) else _AsItIs(coder)


def _folded_decoder(coder: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    if isinstance(coder, DenoiserCode):
        return _folded_denoiser(coder, dtype)
    return _Decoder(coder, dtype) if isinstance(coder, UNetDecoder) else _AsItIs(coder)


def _rows(operator: KoopmanOperator, control: nn.Linear | None) -> Rows | None:
    """r (classes or 1, d): the operator's bias, plus for each class a column of C_μ and its bias."""
    bias = operator.bias()
    rows = None if bias is None else bias[None]
    if control is None:
        return rows
    of_labels = (control.weight.T + control.bias).contiguous()
    return of_labels if rows is None else rows + of_labels
