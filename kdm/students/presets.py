"""The papers' students by name: options, training, and the pairs that they are for (Tables 4 to 7, 9).

`published` is the training of the published code to the letter: raw noise of standard deviation 80,
d = LPIPS, latent noise 0.4, λ_adv = 0.01, Adam at a constant 3e-4 on batches of 128, an average of 0.9999
from step 0 (App. E.3, Table 7). Where paper and code differ it follows the code: the checkerboard's student
is an MLP of width 256 trained for 20,001 steps without a prediction loss or a critic, and FFHQ and AFHQv2
have batches of 128 (Table 7: 64). `default` differs from it as docs/students.md explains, and needs no file
of weights. Students of other papers are there to be compared with at equal size.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from kdm.losses.adversarial import NonSaturating
from kdm.losses.distances import Distance
from kdm.losses.lpips import Lpips
from kdm.losses.random_features import RandomFeatures
from kdm.losses.spectral_options import SpectralOptions
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.students.get import Get
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.late import Student
from kdm.students.mlp_coders import MlpCoders
from kdm.students.plugin import StudentPlugin
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression
from kdm.students.unet_choice import UNetChoice
from kdm.students.unet_coders import UNetCoders
from kdm.training.options import EmaOptions, TrainingOptions
from storage.records import LabelRule, NoiseRule, PairSchema

Mode = Literal["default", "published"]
Terms = Literal["lat", "pred", "rec", "lat+pred", "rec+pred", "rec+lat", "rec+lat+pred"]  # Table 5


class Preset(NamedTuple):
    """A student, how it is trained, and the pairs that it is for."""

    student: StudentPlugin
    training: TrainingOptions
    schema: PairSchema

    def build(self) -> Student:
        """The student on the meta device: its parameters' shapes, without numbers or memory."""
        import torch  # imported late: naming presets needs no torch

        with torch.device("meta"):
            return self.student.build(self.schema)


def preset_names() -> list[str]:
    """The presets' names, in the order of the paper."""
    return list(_PRESETS)


def preset(
    name: str,
    mode: Mode = "default",
    *,
    distance: Distance | None = None,
    terms: Terms | None = None,
    has_adversary: bool | None = None,
) -> Preset:
    """A preset by name, with another d (None: its own), and a row of Table 5.

    `terms` are the losses that it keeps (None: all), `has_adversary` whether there is a critic (None: as
    the preset has it). Raises a ValueError where there is no preset of that name, or where it has no
    such choice.
    """
    if name not in _PRESETS:
        raise ValueError(f"there is no preset '{name}'; there are {', '.join(_PRESETS)}")
    _require_choice(name, mode, terms, has_adversary)
    words = (terms or "rec+lat+pred").split("+")
    kept = {term: float(term in words) for term in ("rec", "lat", "pred")}
    chosen = {} if distance is None else {"distance": distance}
    return _PRESETS[name](mode, {**kept, **chosen}, has_adversary is not False)


def _require_choice(name: str, mode: Mode, terms: Terms | None, has_adversary: bool | None) -> None:
    """Raise a ValueError where a preset would silently ignore what is asked of it."""
    if mode == "published" and name in _UNPUBLISHED:
        raise ValueError(
            f"mode is 'published', but nobody published preset '{name}'; leave 'mode' out"
        )
    if terms is not None and name in _WITHOUT_TERMS:
        raise ValueError(
            f"terms is '{terms}', but preset '{name}' has a single loss; leave 'terms' out"
        )
    if has_adversary and name in (*_WITHOUT_TERMS, _POINTS):
        raise ValueError(
            f"has_adversary is true, but preset '{name}' has no critic; leave 'has_adversary' out"
        )
    if name == _POINTS and mode == "published" and terms is not None and "pred" in terms:
        raise ValueError(
            f"terms is '{terms}', but the published code has no 'pred' for points; choose rec+lat, rec or "
            "lat, or mode 'default'"
        )


def _trained(num_steps: int, *, is_published: bool = False, **options: Any) -> TrainingOptions:
    """App. E.3's training: Adam, 3e-4, batches of 128, no warm-up, no schedule.

    The published average has decay 0.9999 from step 0, so that it contains the initial weights for long;
    unless `is_published`, it spans only a share of the run so far.
    """
    usual: dict[str, Any] = {"batch_size": 128, "learning_rate": 3e-4, "betas": (0.9, 0.999)}
    rate: dict[str, Any] = {"schedule": "constant", "warmup_steps": 0}
    ema = EmaOptions(decay=0.9999, warmup=None if is_published else 0.03)
    return TrainingOptions(num_steps=num_steps, ema=ema, **{**usual, **rate, **options})


_PUBLISHED_STEPS, _STEPS = 800_001, 100_000
_Made = Callable[[Mode, dict[str, Any], bool], Preset]


def _pictures(side: int = 32, num_classes: int = 0) -> PairSchema:
    """Pairs of an EDM teacher: x_T of standard deviation 80, pictures (3, side, side)."""
    label = LabelRule(num_classes=num_classes) if num_classes else None
    return PairSchema(shape=(3, side, side), noise=NoiseRule(scale=80), label=label)


def _images(
    *, side: int = 32, num_classes: int = 0, is_factorised: bool = False, **networks: Any
) -> _Made:
    schema = _pictures(side, num_classes)

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        is_published = mode == "published"
        noise, own = (0.4, {"distance": Lpips()}) if is_published else (0.05, {})
        options: dict[str, Any] = {
            "networks": UNetCoders(scales_noise=not is_published, **networks),
            "losses": KoopmanLosses(rec_lat_share=1, latent_noise=noise, **{**own, **losses}),
            "adversary": NonSaturating() if has_adversary else None,
        }
        if is_published and is_factorised:
            options |= {"penalties": _SQUARE, "phase": "logarithm"}
        num_steps = _PUBLISHED_STEPS if is_published else _STEPS
        training = _trained(num_steps, is_published=is_published)
        return Preset(
            (KoopmanFactorised if is_factorised else Koopman)(**options), training, schema
        )

    return made


def _checkerboard(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """Points (2,) from a flow-matching teacher; no critic, and no `pred` in the published code."""
    schema, usual = PairSchema(shape=(2,)), KoopmanLosses()
    if mode == "default":
        weights = {name: weight * losses[name] for name, weight in usual.weights.items()}
        student = Koopman(losses=KoopmanLosses(**{**losses, **weights}))
        return Preset(student, TrainingOptions(num_steps=12_000), schema)
    networks = MlpCoders(latent_dim=256, width=256, gain=1, noise_gain=1)
    kept = KoopmanLosses(**{**losses, "pred": 0}, rec_lat_share=1, latent_noise=0.4)
    training = _trained(20_001, is_published=True, batch_size=4096)
    return Preset(Koopman(networks=networks, losses=kept), training, schema)


def _get(**sizes: int) -> _Made:
    """GET for CIFAR-10 as published (Geng et al. 2023): rate 1e-4, a loss for each state, no critic."""

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        chosen = {"distance": losses["distance"]} if "distance" in losses else {}
        num_steps = _PUBLISHED_STEPS - 1 if mode == "published" else _STEPS
        training = _trained(num_steps, is_published=mode == "published", learning_rate=1e-4)
        student = Get(network=EquilibriumOptions(**sizes), **chosen)
        return Preset(student, training, _pictures())

    return made


def _regression(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """One U-Net of the size of KDM's coders, trained like KDM (Luhman and Luhman 2021)."""
    chosen = {"distance": losses["distance"]} if "distance" in losses else {}
    return Preset(Regression(network=_UNET, **chosen), _trained(_STEPS), _pictures())


def _reflow(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """The same U-Net as a velocity; d compares x_t − t v with x_0 (LPIPS in Lee et al. 2024)."""
    perceptual = losses.get("distance", RandomFeatures())
    return Preset(Reflow(network=_UNET, perceptual=perceptual), _trained(_STEPS), _pictures())


_SQUARE = SpectralOptions(targets="published-square")
_UNET = UNetChoice(kind="song-unet")
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
    # The sizes T, M, S, B and B+ of GET (Geng et al. 2023).
    "get-t": _get(width=256, num_heads=4, equilibrium_ratio=6),
    "get-m": _get(width=384, num_heads=6, equilibrium_ratio=6),
    "get-s": _get(),
    "get-b": _get(width=768, depth=1, num_heads=12, equilibrium_ratio=12),
    "get-b-plus": _get(width=768, num_heads=12),
    # Rivals of KDM's own size.
    "cifar10-regression": _regression,
    "cifar10-reflow": _reflow,
}
_POINTS = "checkerboard"
_UNPUBLISHED = ("cifar10-regression", "cifar10-reflow")
_WITHOUT_TERMS = (*_UNPUBLISHED, *(name for name in _PRESETS if name.startswith("get-")))
