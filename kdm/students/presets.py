"""The papers' students by name: options, and the pairs that they are for (Tables 4 to 7 and 9).

`published` is the code's training step to the letter but for d, which is LPIPS there and is given
here. `default` departs from it where docs/students.md says so. GET has one mode, the
published training.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch

from kdm.losses.adversarial import NonSaturating
from kdm.losses.distances import Distance
from kdm.losses.spectral import SpectralOptions
from kdm.networks.transformer import EquilibriumOptions
from kdm.students.get import Get
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.mlp_coders import MlpCoders
from kdm.students.student import Student, StudentPlugin
from kdm.students.unet_coders import UNetCoders
from storage.records import LabelRule, NoiseRule, PairSchema

Mode = Literal["default", "published"]
Terms = Literal["lat", "pred", "rec", "lat+pred", "rec+pred", "rec+lat", "rec+lat+pred"]  # Table 5


class Preset(NamedTuple):
    """A student and the pairs that it is for."""

    student: StudentPlugin
    schema: PairSchema

    def build(self) -> Student:
        """Without numbers, on the meta device: only its parameters' shapes."""
        with torch.device("meta"):
            return self.student.build(self.schema)


def preset_names() -> list[str]:
    """In the order of the paper."""
    return list(_PRESETS)


def preset(
    name: str,
    mode: Mode = "default",
    *,
    distance: Distance | None = None,
    terms: Terms = "rec+lat+pred",
    has_adversary: bool = True,
) -> Preset:
    """A preset by name, with d (null: L2, of GET L1) and, for Table 5, the terms that it keeps.

    Raises a ValueError where there is none of that name.
    """
    if name not in _PRESETS:
        raise ValueError(f"there is no preset '{name}'; there are {', '.join(_PRESETS)}")
    kept = {term: float(term in terms.split("+")) for term in ("rec", "lat", "pred")}
    chosen = {} if distance is None else {"distance": distance}
    return _PRESETS[name](mode, {**kept, **chosen}, has_adversary)


_Made = Callable[[Mode, dict[str, Any], bool], Preset]


def _images(
    *, side: int = 32, num_classes: int = 0, is_factorised: bool = False, **networks: Any
) -> _Made:
    """A student of pictures from an EDM teacher."""
    label = LabelRule(num_classes=num_classes) if num_classes else None
    schema = PairSchema(shape=(3, side, side), noise=NoiseRule(scale=80), label=label)

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        is_published = mode == "published"
        noise = 0.4 if is_published else 0.05
        options: dict[str, Any] = {
            "networks": UNetCoders(scales_noise=not is_published, **networks),
            "losses": KoopmanLosses(rec_lat_share=1, latent_noise=noise, **losses),
            "adversary": NonSaturating() if has_adversary else None,
        }
        if not is_factorised:
            return Preset(Koopman(**options), schema)
        if is_published:
            options |= {"penalties": _SQUARE, "phase": "logarithm"}
        return Preset(KoopmanFactorised(**options), schema)

    return made


def _checkerboard(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """Points from a flow-matching teacher; no critic, and the published code has no `pred`."""
    schema, usual = PairSchema(shape=(2,)), KoopmanLosses()
    if mode == "default":
        weights = {name: weight * losses[name] for name, weight in usual.weights.items()}
        return Preset(Koopman(losses=KoopmanLosses(**{**losses, **weights})), schema)
    networks = MlpCoders(latent_dim=256, width=256, gain=1, noise_gain=1)
    kept = KoopmanLosses(**{**losses, "pred": 0}, rec_lat_share=1, latent_noise=0.4)
    return Preset(Koopman(networks=networks, losses=kept), schema)


def _get(**sizes: int) -> _Made:
    """GET of CIFAR-10 without classes; no terms to choose from, and no critic."""
    schema = PairSchema(shape=(3, 32, 32), noise=NoiseRule(scale=80))

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        chosen = {"distance": losses["distance"]} if "distance" in losses else {}
        return Preset(Get(network=EquilibriumOptions(**sizes), **chosen), schema)

    return made


_SQUARE = SpectralOptions(targets="published-square")
_PRESETS: dict[str, _Made] = {
    "cifar10": _images(),
    "cifar10-cond": _images(num_classes=10),
    "cifar10-kdm-f": _images(is_factorised=True),
    "cifar10-cond-kdm-f": _images(num_classes=10, is_factorised=True),
    "ffhq64": _images(side=64, model_channels=32, latent_dim=512),
    "afhqv2-64": _images(side=64, model_channels=32, latent_dim=512),
    "checkerboard": _checkerboard,
    # Larger matrices, of more latent channels (Table 6).
    "cifar10-4096": _images(latent_channels=4),
    "cifar10-9216": _images(latent_channels=9),
    # Table 9 gives sizes and no widths: these are the nearest whose groups divide their channels.
    "cifar10-20m": _images(model_channels=40),
    "cifar10-38m": _images(num_blocks=3),
    "cifar10-84m": _images(model_channels=96, num_blocks=3),
    # GET (kdm.md 2).
    "get-t": _get(width=256, num_heads=4, equilibrium_ratio=6),
    "get-m": _get(width=384, num_heads=6, equilibrium_ratio=6),
    "get-s": _get(),
    "get-b": _get(width=768, depth=1, num_heads=12, equilibrium_ratio=12),
    "get-b-plus": _get(width=768, num_heads=12),
}
