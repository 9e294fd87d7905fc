"""Presets of students that KDM is compared with: GET in its published sizes, and three of KDM's size."""

from typing import Any

from kdm.coders.unet_choice import UNetChoice
from kdm.losses.random_features import RandomFeatures
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.presets.preset import PUBLISHED_STEPS, STEPS, Make, Mode, Preset, pictures, trained
from kdm.students.get import Get
from kdm.students.mean_flow import MeanFlow
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression
from kdm.students.teacher_start import FromTeacher

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


def started(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """The teacher's own U-Net with its weights, counted for EDM's.

    The rate is that of Re-MeanFlow, which begins with such weights too (Zhang et al. 2025).
    """
    chosen = {"distance": losses["distance"]} if "distance" in losses else {}
    training = trained(STEPS, learning_rate=1e-4)
    return Preset(Regression(init=FromTeacher(), **chosen), training, pictures())


def reflow(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """The same U-Net as a velocity; d compares x_t − t v with x_0 (LPIPS in Lee et al. 2024)."""
    perceptual = losses.get("distance", RandomFeatures())
    return Preset(Reflow(network=_UNET, perceptual=perceptual), trained(STEPS), pictures())


def mean_flow(mode: Mode, losses: dict[str, Any], has_adversary: bool) -> Preset:
    """The same U-Net as an average velocity, trained as Re-MeanFlow (Zhang et al. 2025)."""
    training = trained(STEPS, learning_rate=1e-4, betas=(0.9, 0.99))
    return Preset(MeanFlow(network=_UNET), training, pictures())
