"""Augmentation: its labels say what was done, and what was not done leaves an image as it was."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pairgen.teachers.augmentation import augmented, mirrored
from pairgen.teachers.augmentation_options import NUM_LABELS, Augmentation

NOTHING = {"mirrors": False, "upends": False, "scale": 0, "rotation": 0, "stretch": 0, "shift": 0}
KINDS = {
    "mirrors": (True, [0]),
    "upends": (True, [1]),
    "scale": (0.2, [2]),
    "rotation": (1.0, [3, 4]),
    "stretch": (0.2, [5, 6]),
    "shift": (0.125, [7, 8]),
}


def only(kind: str) -> Augmentation:
    return Augmentation(**{**NOTHING, kind: KINDS[kind][0]}, probability=1)


def pictures(num: int = 32, side: int = 16) -> Tensor:
    """Smooth, so that what lies between pixels is known."""
    coarse = torch.rand(num, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return F.interpolate(coarse, size=(side, side), mode="bicubic")


def changed(options: Augmentation, images: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(3)
    images = pictures() if images is None else images
    return images, *augmented(images, options)


def test_with_probability_0_images_stay_and_labels_are_zeros():
    images, found, labels = changed(Augmentation(probability=0))
    assert torch.equal(found, images)
    assert torch.equal(labels, torch.zeros(len(images), NUM_LABELS))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_images_by_its_own_labels_alone(kind):
    images, found, labels = changed(only(kind))
    own = KINDS[kind][1]
    others = [number for number in range(NUM_LABELS) if number not in own]
    assert not labels[:, others].any()
    is_labelled = labels[:, own].any(1)
    assert torch.equal((found != images).flatten(1).any(1), is_labelled)
    assert is_labelled.any()


@pytest.mark.parametrize(("kind", "axis"), [("mirrors", 3), ("upends", 2)])
def test_a_flip_is_torchs_own(kind, axis):
    images, found, labels = changed(only(kind))
    is_flipped = labels[:, KINDS[kind][1][0]] == 1
    assert torch.equal(found[is_flipped], images[is_flipped].flip(axis))
    assert 0 < is_flipped.sum() < len(images)


def test_a_shift_moves_pixels_right_and_down_by_its_labels():
    disc = torch.zeros(200, 1, 16, 16)
    disc[:, :, 7:9, 7:9] = 1
    _, found, labels = changed(only("shift"), disc)
    is_inside = labels[:, 7:].abs().amax(1) < 2.5  # of .125 · 16 = 2 pixels each
    places = torch.arange(16) + 0.5
    mass = found[is_inside, 0] / found[is_inside].sum((1, 2, 3))[:, None, None]
    centre = torch.stack([(mass.sum(1) * places).sum(1), (mass.sum(2) * places).sum(1)], 1)
    assert torch.allclose(centre - 8, 2 * labels[is_inside, 7:], atol=0.05)


def test_a_quarter_turn_is_clockwise_where_its_sine_is_1():
    images, found, labels = changed(only("rotation"), pictures(2000, 8))
    for sine in (1, -1):
        is_quarter = (labels[:, 4] - sine).abs() < 1e-5  # within a quarter of a degree
        turned = images[is_quarter].rot90(-sine, (2, 3))
        assert (found[is_quarter] - turned).abs().mean() < 0.03


def ramps(num: int = 64) -> Tensor:
    """Brighter by one a pixel to the right."""
    return (torch.arange(16.0) - 7.5).expand(num, 1, 16, 16).contiguous()


def slopes(found: Tensor) -> Tensor:
    return (found[:, 0, 8, 11] - found[:, 0, 8, 4]) / 7


def test_scale_is_in_fifths_of_an_octave():
    _, found, labels = changed(only("scale"), ramps())
    is_inside = labels[:, 2] > -2  # what shrinks more shows its reflection
    expected = torch.exp2(-0.2 * labels[:, 2])
    assert torch.allclose(slopes(found)[is_inside], expected[is_inside], rtol=0.02)


def test_a_stretch_along_its_axis_is_a_squeeze_across_it_and_the_label_knows_both():
    _, found, labels = changed(only("stretch"), ramps())
    w = labels[:, 5:].norm(dim=1)
    along = (1 + labels[:, 5] / w) / 2  # cos² of the axis' angle, of which the label's is twice
    expected = along * torch.exp2(-0.2 * w) + (1 - along) * torch.exp2(0.2 * w)
    assert (slopes(found) - expected).abs().max() < 0.03
    assert (expected - 1).abs().max() > 0.2


def test_colours_are_kept_in_the_mean():
    images, found, _ = changed(Augmentation(probability=0.5), pictures(512))
    assert (found.mean((0, 2, 3)) - images.mean((0, 2, 3))).abs().max() < 0.01
    assert found.std() / images.std() == pytest.approx(1, abs=0.1)


def test_the_same_seed_gives_the_same_images():
    first, again = changed(Augmentation()), changed(Augmentation())
    assert torch.equal(first[1], again[1])
    assert torch.equal(first[2], again[2])


def test_places_of_pixels_keep_float32_within_autocast():
    _, plain, _ = changed(only("rotation"))
    with torch.autocast("cpu", torch.bfloat16):
        _, within, _ = changed(only("rotation"))
    assert torch.equal(plain, within)


def test_mirroring_without_labels_takes_half_of_the_images():
    torch.manual_seed(0)
    images = pictures(200)
    found = mirrored(images)
    is_mirrored = (found == images.flip(3)).flatten(1).all(1)
    assert torch.equal(found[~is_mirrored], images[~is_mirrored])
    assert 70 < is_mirrored.sum() < 130


def test_labels_of_a_turn_are_its_cosine_less_one_and_its_sine():
    _, _, labels = changed(only("rotation"))
    assert torch.allclose((labels[:, 3] + 1) ** 2 + labels[:, 4] ** 2, torch.ones(32), atol=1e-6)
    assert math.isclose(labels[:, 4].abs().max(), 1, abs_tol=0.1)
