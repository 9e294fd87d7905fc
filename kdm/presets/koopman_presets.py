"""Presets of KDM and KDM-F (Tables 4 to 7 and 9), and of kdm-t, which no table has."""

from typing import Any

from kdm.coders.mlp_coders import MlpCoders
from kdm.coders.timed_coders import TimedUNets
from kdm.coders.unet_coders import UNetCoders
from kdm.losses.adversarial import NonSaturating
from kdm.losses.lpips import Lpips
from kdm.losses.spectral_options import SpectralOptions
from kdm.presets.preset import (
    PUBLISHED_STEPS,
    STEPS,
    Make,
    Mode,
    Preset,
    pictures,
    points,
    trained,
)
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.koopman_timed import KoopmanTimed
from kdm.students.teacher_coders import TeacherCoders
from kdm.students.timed_losses import TimedLosses
from kdm.students.timed_steps import Steps
from kdm.students.timed_teacher_coders import TimedTeacherCoders
from kdm.training.options import TrainingOptions

_SQUARE = SpectralOptions(targets="published-square")


def images(
    *, side: int = 32, num_classes: int = 0, is_factorised: bool = False, **networks: Any
) -> Make:
    """A preset of pictures (3, side, side), of KDM or, if `is_factorised`, of KDM-F.

    `networks` are options of its coders (kdm/coders/unet_coders.py).
    """
    schema = pictures(side, num_classes)

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        is_published = mode == "published"
        noise, own = (0.4, {"distance": Lpips()}) if is_published else (0.05, {})
        share = 1.0 if is_published else 0.25  # what rec and lat cost: 2.5 passes of coders, not 4
        options: dict[str, Any] = {
            "networks": UNetCoders(scales_noise=not is_published, **networks),
            "losses": KoopmanLosses(rec_lat_share=share, latent_noise=noise, **{**own, **losses}),
            "adversary": NonSaturating() if has_adversary else None,
        }
        if is_published and is_factorised:
            options |= {"penalties": _SQUARE, "phase": "logarithm"}
        num_steps = PUBLISHED_STEPS if is_published else STEPS
        training = trained(num_steps, is_published=is_published)
        return Preset(
            (KoopmanFactorised if is_factorised else Koopman)(**options), training, schema
        )

    return made


def started(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """KDM whose coders are the teacher's network with its weights, counted for EDM's.

    The rate is that of Re-MeanFlow, which begins with such weights too (Zhang et al. 2025).
    """
    kept = KoopmanLosses(rec_lat_share=0.25, latent_noise=0.05, **losses)
    adversary = NonSaturating() if has_adversary else None
    student = Koopman(init=TeacherCoders(), losses=kept, adversary=adversary)
    return Preset(student, trained(STEPS, learning_rate=1e-4), pictures())


def checkerboard(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """Points (2,) from a flow-matching teacher; no critic, and no `pred` in the published code."""
    schema, usual = points(), KoopmanLosses()
    if mode == "default":
        weights = {name: weight * losses[name] for name, weight in usual.weights.items()}
        student = Koopman(losses=KoopmanLosses(**{**losses, **weights}))
        return Preset(student, TrainingOptions(num_steps=12_000), schema)
    networks = MlpCoders(latent_dim=256, width=256, gain=1, noise_gain=1)
    kept = KoopmanLosses(**{**losses, "pred": 0}, rec_lat_share=1, latent_noise=0.4)
    training = trained(20_001, is_published=True, batch_size=4096)
    return Preset(Koopman(networks=networks, losses=kept), training, schema)


def timed(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """kdm-t with one U-Net of the size of KDM's coders, split in two, for pairs with 7 states."""
    chosen = {"distance": losses["distance"]} if "distance" in losses else {}
    student = KoopmanTimed(networks=TimedUNets(kind="song-unet"), losses=TimedLosses(**chosen))
    return Preset(student, trained(STEPS), pictures().model_copy(update={"num_states": 7}))


def started_timed(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """kdm-t of the teacher's networks with its weights, for one evaluation or four, counted for EDM's."""
    chosen = {"distance": losses["distance"]} if "distance" in losses else {}
    alone = TimedLosses(num_states=0, pred_states=0, later=0, **chosen)
    student = KoopmanTimed(init=TimedTeacherCoders(), steps=Steps(), losses=alone)
    schema = pictures().model_copy(update={"num_states": 7})
    return Preset(student, trained(STEPS, learning_rate=1e-4), schema)
