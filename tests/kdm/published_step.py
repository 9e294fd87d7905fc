"""A published training step by plain formulas in float64, written as a golden.

Weights and inputs are float32's. Only the U-Net is this project's, which goldens of EDM prove. The operator
is in its block form, the losses are PyTorch's, and names are those of the published state dict.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from published_students import SMALL as PUBLISHED
from torch import Tensor, nn

from kdm.networks.song_unet import SongUNet, SongUNetOptions
from kdm.published.golden_kinks import Kinks

SMALL = {**PUBLISHED, "dropout": 0.0, "noisy_latent": 0.0}  # a step without random numbers
WEIGHTS = {"latent_loss": "w_latent", "rec_loss": "w_rec", "push_rec_loss": "w_push"}


def write_golden(
    path: Path,
    *,
    is_factorised: bool = False,
    is_adversarial: bool = False,
    seed: int = 0,
    kinks: Kinks | None = None,  # that see what the critic sees
    **changed: Any,
) -> str:
    """One step with these constructor arguments; the path."""
    torch.manual_seed(seed)
    kw, kinks = {**SMALL, **changed}, kinks or Kinks()
    model = Published(kw, is_factorised=is_factorised)
    critic = discriminator() if is_adversarial else None
    _spread(model)
    arrays = inputs(kw)
    if kw["koopman_loss_type"] not in ("NoLoss", "OnTheCircle"):
        arrays["uniform_vec"] = torch.rand(model.d, dtype=torch.complex64)
    weights = {f"w/{name}": tensor for name, tensor in model.state_dict().items()}
    held = {} if critic is None else critic.state_dict()
    weights |= {f"d/model.{name}": tensor for name, tensor in held.items()}
    saved = {name: tensor.numpy().copy() for name, tensor in (arrays | weights).items()}
    model.double()
    given = {name: each.double() for name, each in arrays.items() if not each.is_complex()}
    outputs = model(given)
    losses = model.losses(given["x0"], outputs, arrays.get("uniform_vec"))
    if critic is not None:
        critic.double()
        fake = outputs["x0_pushed_hat"]
        saved["dlosses"] = _critic_losses(critic, given["x0"], fake.detach()).detach().numpy()
        with kinks.watching(critic):
            losses["adv_loss_our"] = _cross_entropy(critic(fake), 1)
        losses["loss"] = losses["loss"] + 0.01 * losses["adv_loss_our"]
    losses["loss"].backward()
    norms = {name: float(each.grad.norm()) for name, each in model.named_parameters()}
    numbers = {name: value.item() for name, value in losses.items()}
    meta = {"kw": kw, "losses": numbers, "grad_norms": norms, "adversarial": is_adversarial}
    saved |= {f"out/{name}": tensor.detach().numpy() for name, tensor in outputs.items()}
    np.savez(path, meta=json.dumps(meta), **saved)
    return str(path)


def inputs(kw: dict[str, Any]) -> dict[str, Tensor]:
    shape = (3, kw["in_channels"], kw["img_resolution"], kw["img_resolution"])
    arrays = {"x0": torch.rand(shape) * 2 - 1, "xT": 80 * torch.randn(shape)}
    if kw["label_dim"]:
        arrays["labels"] = torch.eye(kw["label_dim"])[[1, 0, 2]]
    return arrays


class Coder(nn.Module):
    """A U-Net beside a linear layer."""

    def __init__(self, unet: SongUNet, linear: nn.Linear) -> None:
        super().__init__()
        self.main_module, self.linear = unet, linear


class Factorised(nn.Module):
    """Re(P Λ P_inv z) by real blocks of twice the size."""

    def __init__(self, d: int) -> None:
        super().__init__()
        for name in ("P_re", "P_im", "P_inv_re", "P_inv_im"):
            setattr(self, name, nn.Parameter(torch.randn(d, d) / (2 * d) ** 0.5))
        self.nu_log = nn.Parameter(torch.randn(d))
        self.theta_log = nn.Parameter(torch.randn(d))

    def blocks(self) -> tuple[Tensor, Tensor, Tensor]:
        P = [each / (each.norm(dim=1, keepdim=True) + 1e-8) for each in (self.P_re, self.P_im)]
        values = self.eigenvalues()
        return (
            _block(*P),
            _block(torch.diag(values.real), torch.diag(values.imag)),
            _block(self.P_inv_re, self.P_inv_im),
        )

    def eigenvalues(self) -> Tensor:
        return torch.polar(torch.exp(-torch.exp(self.nu_log)), torch.exp(self.theta_log))

    def forward(self, z: Tensor) -> Tensor:
        P, values, P_inv = self.blocks()
        padded = torch.cat([z, torch.zeros_like(z)], 1)
        return (P @ values @ P_inv @ padded.T).T[:, : z.shape[1]]

    def inverse_loss(self) -> Tensor:
        P, _, P_inv = self.blocks()
        identity = torch.eye(len(P)).to(P)
        return F.mse_loss(P_inv @ P, identity) + F.mse_loss(P @ P_inv, identity)


class Published(nn.Module):
    """The published student's children and step."""

    def __init__(self, kw: dict[str, Any], *, is_factorised: bool) -> None:
        super().__init__()
        self.kw, num_pixels = kw, kw["out_channels"] * kw["img_resolution"] ** 2
        self.d = kw["linear_proj"] or num_pixels
        ends = kw["in_channels"], kw["out_channels"]
        self.x0_observables_encoder = self._coder(*ends, (num_pixels, self.d))
        self.xT_observables_encoder = self._coder(*ends, (num_pixels, self.d))
        self.x0_observables_decoder = self._coder(*ends[::-1], (self.d, num_pixels))
        self.koopman_operator = Factorised(self.d) if is_factorised else nn.Linear(self.d, self.d)
        if kw["cond_type"] == "KoopmanMatrixAddition":
            self.koopman_control = nn.Linear(kw["label_dim"], self.d)

    def _coder(self, num_in: int, num_out: int, linear: tuple[int, int]) -> nn.Module:
        names = ("img_resolution", "label_dim", "model_channels", "channel_mult", "num_blocks")
        same = {name: self.kw[name] for name in (*names, "attn_resolutions", "dropout")}
        unet = SongUNet(SongUNetOptions(in_channels=num_in, out_channels=num_out, **same))
        return Coder(unet, nn.Linear(*linear)) if self.kw["linear_proj"] else unet

    def forward(self, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
        labels = arrays.get("labels")
        z0 = self._encode(self.x0_observables_encoder, arrays["x0"], 0.0, labels)
        zT = self._encode(self.xT_observables_encoder, arrays["xT"], 1.0, labels)
        pushed = self.koopman_operator(zT.flatten(1))
        if self.kw["cond_type"] == "KoopmanMatrixAddition":
            pushed = pushed + self.koopman_control(labels)
        pushed = pushed.reshape(zT.shape)
        return {
            "z0": z0,
            "zT": zT,
            "z0_pushed": pushed,
            "x0_pushed_hat": self._decode(pushed, labels),
            "x0_hat": self._decode(z0, labels),
        }

    def losses(
        self, x0: Tensor, out: dict[str, Tensor], targets: Tensor | None
    ) -> dict[str, Tensor]:
        losses = {
            "latent_loss": F.mse_loss(out["z0_pushed"], out["z0"]),
            "rec_loss": self._distance(out["x0_hat"], x0),
            "push_rec_loss": self._distance(out["x0_pushed_hat"], x0),
        }
        if self.kw["koopman_loss_type"] != "NoLoss":
            losses["eigen_koopman_loss"] = self._eigen_loss(targets)
        weights = {name: self.kw.get(key, 1) for name, key in WEIGHTS.items()}
        total = sum(weights.get(name, 1) * each for name, each in losses.items())
        return {**losses, "loss": total}

    def _distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        if self.kw["rec_loss_type"] == "L2":
            return F.mse_loss(prediction, target)
        c = self.kw.get("psudo_huber_c", 0.03)
        return (torch.sqrt((prediction - target) ** 2 + c**2) - c).mean()

    def _eigen_loss(self, targets: Tensor | None) -> Tensor:
        operator = self.koopman_operator
        if isinstance(operator, Factorised):
            values, inverse = operator.eigenvalues(), operator.inverse_loss()
        else:
            values, inverse = torch.linalg.eigvals(operator.weight), 0
            # Targets follow the order that LAPACK gives float32's.
            before = torch.linalg.eigvals(operator.weight.detach().float())
            values = values[(before[:, None] - values.detach()).abs().argmin(1)]
        return (values - (1 if targets is None else targets)).abs().mean() + inverse

    def _encode(self, coder: nn.Module, x: Tensor, t: float, labels: Tensor | None) -> Tensor:
        times = x.new_full((len(x),), t)
        if isinstance(coder, Coder):
            return coder.linear(coder.main_module(x, times, labels).flatten(1))
        return coder(x, times, labels)

    def _decode(self, z: Tensor, labels: Tensor | None) -> Tensor:
        coder, times = self.x0_observables_decoder, z.new_zeros(len(z))
        if not isinstance(coder, Coder):
            return coder(z, times, labels)
        side = self.kw["img_resolution"]
        return coder.main_module(coder.linear(z).reshape(len(z), -1, side, side), times, labels)


def discriminator() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1),
        nn.BatchNorm2d(256),
        nn.LeakyReLU(0.2),
        nn.Conv2d(256, 1, 4, 1, 0),
        nn.Flatten(),
    )


def _critic_losses(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    losses = _cross_entropy(critic(real), 1), _cross_entropy(critic(fake), 0)
    return torch.stack([sum(losses), *losses])


def _cross_entropy(logits: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def _block(re: Tensor, im: Tensor) -> Tensor:
    return torch.cat([torch.cat([re, -im], 1), torch.cat([im, re], 1)])


@torch.no_grad()
def _spread(model: nn.Module) -> None:
    """Away from initial weights of 1e-5, under which most gradients are nothing."""
    for name, parameter in model.named_parameters():
        if "observables" in name:
            parameter.add_(0.05 * torch.randn_like(parameter))
