"""Noise is told from data by what noise is, whatever its scale and whatever the data are."""

import numpy as np
import pytest
from published_sets import made

from storage.importers.end_statistics import measure, plain_scale
from storage.importers.ends import tell_ends
from storage.importers.noise_test import NoiseTest, samples_a_group
from storage.importers.whiteness import is_white

DRAW = np.random.RandomState(1)


def coloured(num: int, size: int = 16) -> np.ndarray:
    """Gaussian latents: a Gaussian's moments, neighbours that correlate."""
    white = DRAW.standard_normal((num, 4, size + 2, size + 2))
    mixed = sum(white[..., i : size + i, j : size + j] for i in range(3) for j in range(3))
    return mixed / 3


DATA = {
    "pictures": made(40).x_0,
    "pictures in 0 to 255": made(40).x_0 * 127.5 + 127.5,
    "latents": coloured(40),
    "points": DRAW.uniform(-4.4, 4.4, (20_000, 2)),
    "two clusters": DRAW.standard_normal((20_000, 2)) * 0.1 + DRAW.choice([-3, 3], (20_000, 1)),
    "one value": np.full((40, 3, 16, 16), 0.5),
}


@pytest.mark.parametrize("scale", [0.5, 1.0, 57.6, 80.0, 80.2037])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_noise_of_any_scale_is_told_from_any_data(data: np.ndarray, scale: float) -> None:
    noise = DRAW.standard_normal(data.shape) * scale
    for ends in (tell_ends(noise, data), tell_ends(data, noise)):
        assert ends.x_T is noise
        assert ends.x_0 is data
        assert abs(ends.noise_scale / scale - 1) < 0.02


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_two_ends_of_data_are_refused(data: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"neither end looks like noise .*first: mean.*last: mean"):
        tell_ends(data, data)


def test_two_ends_of_noise_are_refused_even_at_different_scales() -> None:
    noise = DRAW.standard_normal((40, 3, 16, 16))
    with pytest.raises(ValueError, match=r"both ends look like noise"):
        tell_ends(noise, 80 * noise)


def test_an_end_between_noise_and_data_is_neither() -> None:
    noise, data = DRAW.standard_normal((200, 3, 32, 32)), made(200).x_0
    part = 0.7 * noise + 0.35 * data
    assert not measure(part).looks_like_noise
    with pytest.raises(ValueError, match=r"cannot tell noise from data"):
        tell_ends(noise, noise + 0.1 * data)


@pytest.mark.parametrize("scale", [1.0, 80.0, 80.2037])
def test_the_scale_that_was_meant_is_found_from_many_numbers(scale: float) -> None:
    num = 10**7
    assert plain_scale(scale * (1 + 1 / np.sqrt(2 * num)), num_numbers=num) == scale


def test_too_few_numbers_tell_nothing_unless_the_end_is_stated() -> None:
    noise, data = DRAW.standard_normal((40, 4)), DRAW.uniform(-1, 1, (40, 4))
    with pytest.raises(ValueError, match=r"holds 160 numbers, and it takes 1,000 .*--noise first"):
        tell_ends(noise, data)
    assert tell_ends(noise, data, stated="first").x_T is noise
    assert tell_ends(data, noise, stated="last").x_T is noise


def test_a_statement_that_the_numbers_clearly_contradict_is_refused() -> None:
    noise, data = DRAW.standard_normal((800, 4)), DRAW.uniform(-1, 1, (800, 4))
    assert not tell_ends(noise, data, stated="first").is_stated
    with pytest.raises(ValueError, match=r"stated to be last, but the numbers say .* first"):
        tell_ends(noise, data, stated="last")


def test_a_thousand_numbers_tell_uniform_data_from_noise() -> None:
    for _ in range(200):
        noise, data = DRAW.standard_normal((500, 2)), DRAW.uniform(-1, 1, (500, 2))
        assert tell_ends(noise, data).x_T is noise
        assert tell_ends(data, noise).x_T is noise


def test_each_sample_of_noise_passes_and_no_picture_does() -> None:
    pairs = made(500, scale=0.5)  # about the pictures' own standard deviation
    test = NoiseTest(0.5)
    assert test.passes(pairs.x_T[:, None].astype(np.float64)).all()
    assert not test.passes(pairs.x_0[:, None].astype(np.float64)).any()


def test_noise_of_another_scale_does_not_pass() -> None:
    noise = made(200, scale=1.0).x_T[:, None].astype(np.float64)
    assert not NoiseTest(1.3).passes(noise).any()
    assert is_white(noise).all()


def test_samples_of_few_numbers_are_judged_together() -> None:
    assert samples_a_group(3072) == 1
    assert samples_a_group(2) == 2048
