"""Planted copies: each transform does what its name says."""

import numpy as np
import pytest

from pairgen.filters.pictures import as_bytes, as_numbers, mirrored
from pairgen.planted.copies import LISTS, planted, transforms_in
from pairgen.planted.more_transforms import MORE_TRANSFORMS
from pairgen.planted.transforms import TRANSFORMS

STREAM = np.random.RandomState(0)
ROWS, COLUMNS = np.meshgrid(np.linspace(-0.6, 0.6, 32), np.linspace(-0.6, 0.6, 32), indexing="ij")
# Two pictures that differ, each with a slope in every direction.
PICTURES = np.stack(
    [
        np.stack([ROWS, COLUMNS, ROWS * COLUMNS]),
        np.stack([COLUMNS, -ROWS, ROWS**2]),
    ]
).astype(np.float32)


@pytest.mark.parametrize("name", LISTS["all"])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_a_copy_is_pictures_of_the_same_shape_the_same_for_the_same_seed(name, num_channels):
    pictures = PICTURES[:, :num_channels]
    copies = planted(name, pictures, 1)
    assert copies.shape == pictures.shape
    assert copies.dtype == np.float32
    assert np.abs(copies).max() <= 1
    assert np.array_equal(copies, planted(name, pictures, 1))


def test_there_are_at_least_twenty_and_each_but_one_changes_something():
    stored = as_bytes(PICTURES)
    same = [name for name in LISTS["all"] if (as_bytes(planted(name, PICTURES, 0)) == stored).all()]
    assert len(TRANSFORMS) >= 20
    assert same == ["exact"]


def test_no_transform_that_leaves_grey_pictures_as_they_are_is_planted_among_them():
    grey = as_numbers(np.random.RandomState(2).randint(0, 256, (2, 1, 32, 32)).astype(np.uint8))
    names = transforms_in("more", num_channels=1)
    assert len(names) == len(transforms_in("more", num_channels=3)) - 4
    assert [name for name in names if (planted(name, grey, 0) == grey).all()] == []


def off(name: str) -> np.ndarray:
    """How far the copy is from its picture."""
    return planted(name, PICTURES, 0) - PICTURES


def test_noise_and_brightness_are_in_units_of_pixels_from_0_to_1():
    assert off("noise 0.05").std() == pytest.approx(0.1, rel=0.05)
    at_grey = np.abs(PICTURES) < 0.05
    assert off("brightness 1.15")[at_grey].mean() == pytest.approx(0.15, abs=0.01)


def test_a_shift_of_a_sixteenth_is_two_pixels_and_repeats_the_edge():
    copy = as_bytes(planted("shift 1/16", PICTURES, 0))
    stored = np.pad(as_bytes(PICTURES), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    starts = [(row, column) for row in (0, 4) for column in (0, 4)]
    for each, around in zip(copy, stored, strict=True):
        found = [(around[:, r : r + 32, c : c + 32] == each).all() for r, c in starts]
        assert sum(found) == 1


def test_a_quarter_of_each_side_is_covered():
    changed = (np.abs(off("covered 1/4")) > 0.01).any(axis=1)
    assert changed.sum(axis=(1, 2)) == pytest.approx(64, abs=8)  # a few pixels had that grey


def test_a_crop_shows_an_inner_part_larger():
    # On a slope across the picture a crop of 7/8 has 7/8 of the range.
    copy = planted("crop 7/8", PICTURES, 0)
    assert np.ptp(copy[0, 0]) == pytest.approx(1.2 * 7 / 8, abs=0.05)


def test_grey_pictures_have_equal_channels_and_a_mirror_image_is_mirrored():
    grey = planted("grey", PICTURES, 0)
    assert np.array_equal(grey[:, 0], grey[:, 2])
    assert planted("mirrored", PICTURES, 0) == pytest.approx(mirrored(PICTURES), abs=1 / 127)


def test_a_quarter_turn_and_a_negative_are_undone_by_their_like():
    turned, negative = (planted(name, PICTURES, 0) for name in ("quarter turn", "negative"))
    assert planted("half turn", turned, 0)[:, :, ::-1, ::-1] == pytest.approx(turned, abs=1e-6)
    assert np.rot90(turned, -1, axes=(2, 3)) == pytest.approx(PICTURES, abs=1 / 127)
    assert negative == pytest.approx(-PICTURES, abs=1 / 127)


def test_a_gamma_is_a_power_of_pixels_from_0_to_1():
    changed = MORE_TRANSFORMS["gamma 0.8"](PICTURES, STREAM)
    assert (changed + 1) / 2 == pytest.approx(((PICTURES + 1) / 2) ** 0.8, abs=1e-6)


def test_a_shear_leaves_the_middle_rows_and_pushes_the_others_apart():
    """A slope across the columns is pushed by tan 5° of a pixel a row."""
    moved = off("shear 5°")[0, 1]  # rises by 1.2 / 31 a pixel
    wanted = np.tan(np.deg2rad(5)) * 1.2 / 31 * np.array([-15.5, 15.5])
    assert moved[[0, -1], 16] == pytest.approx(wanted, abs=1 / 127)


def test_one_pixel_in_a_hundred_is_salt_or_pepper():
    many = np.zeros((4, 1, 64, 64), np.float32)
    hit = np.abs(planted("salt and pepper 1%", many, 0)) > 0.9
    assert hit.mean() == pytest.approx(0.01, rel=0.25)
