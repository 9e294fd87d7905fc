"""Presets of students that KDM is compared with: GET in its published sizes, and two of KDM's size."""

from typing import Any

from kdm.coders.unet_choice import UNetChoice
from kdm.losses.random_features import RandomFeatures
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.presets.preset import PUBLISHED_STEPS, STEPS, Make, Mode, Preset, pictures, trained
from kdm.students.get import Get
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression

_UNET = UNetChoice(kind="song-unet")


def get(**sizes: int) -> Make:
    """GET for CIFAR-10 as published (Geng et al. 2023): rate 1e-4, a loss for each state, no critic."""

    def made(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
        chosen = {"distance": losses["distance"]} if "distance" in losses else {}
        num_steps = PUBLISHED_STEPS - 1 if mode == "published" else STEPS
        training = trained(num_steps, is_published=mode == "published", learning_rate=1e-4)
        student = Get(network=EquilibriumOptions(**sizes), **chosen)
        return Preset(student, training, pictures())

    return made


def regression(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """One U-Net of the size of KDM's coders, trained like KDM (Luhman and Luhman 2021)."""
    chosen = {"distance": losses["distance"]} if "distance" in losses else {}
    return Preset(Regression(network=_UNET, **chosen), trained(STEPS), pictures())


def reflow(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """The same U-Net as a velocity; d compares x_t − t v with x_0 (LPIPS in Lee et al. 2024)."""
    perceptual = losses.get("distance", RandomFeatures())
    return Preset(Reflow(network=_UNET, perceptual=perceptual), trained(STEPS), pictures())
