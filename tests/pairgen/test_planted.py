"""Planted copies: each transform does what its name says."""

import numpy as np
import pytest

from pairgen.filters.pictures import as_bytes, mirrored
from pairgen.planted.transforms import TRANSFORMS, planted

STREAM = np.random.RandomState(0)
ROWS, COLUMNS = np.meshgrid(np.linspace(-0.6, 0.6, 32), np.linspace(-0.6, 0.6, 32), indexing="ij")
# Two pictures that differ, each with a slope in every direction.
PICTURES = np.stack(
    [
        np.stack([ROWS, COLUMNS, ROWS * COLUMNS]),
        np.stack([COLUMNS, -ROWS, ROWS**2]),
    ]
).astype(np.float32)


@pytest.mark.parametrize("name", TRANSFORMS)
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
    same = [name for name in TRANSFORMS if (as_bytes(planted(name, PICTURES, 0)) == stored).all()]
    assert len(TRANSFORMS) >= 20
    assert same == ["exact"]


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
