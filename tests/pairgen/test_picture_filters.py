"""Filters of pictures: their formulas, what they find, and what they refuse."""

import numpy as np
import pytest
from random_textures import textures
from scipy import ndimage

from pairgen.filters.aligned import Aligned
from pairgen.filters.exact import Exact
from pairgen.filters.judge import fit_judge, threshold_at
from pairgen.filters.pictures import mirrored, reduced
from pairgen.filters.pixel_nn import PixelNN
from storage.plugins import describe
from storage.records import PairBatch

REFERENCE, HONEST, FRESH = (textures(num, seed) for seed, num in enumerate((300, 200, 200)))


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)


def dropped(chosen, x_0: np.ndarray, fpr: float = 0.01) -> float:
    """The share of these pictures that is dropped at this rate, in percent."""
    judge = fit_judge(chosen, REFERENCE)
    threshold = threshold_at(chosen, judge.heldout_scores(HONEST), fpr)
    keep, _ = chosen.decide(judge.score(pairs(x_0)), threshold)
    return 100 * float((~keep).mean())


@pytest.mark.parametrize("statistic", ["distance", "ratio", "carlini"])
@pytest.mark.parametrize(("size", "is_centred"), [(None, False), (8, True)])
def test_a_score_is_its_statistic_of_all_distances(statistic, size, is_centred):
    chosen = PixelNN(statistic=statistic, num_neighbours=5, size=size, is_centred=is_centred)
    a, b = (each if size is None else reduced(each, size) for each in (HONEST[:20], REFERENCE))
    if is_centred:
        a, b = (each - each.mean(axis=(2, 3), keepdims=True) for each in (a, b))
    views = [
        ((each.astype(np.float64)[:, None] - b[None]) ** 2).sum((2, 3, 4))
        for each in (a, mirrored(a))
    ]
    d = np.sort(np.sqrt(np.minimum(*views)), axis=1)
    expected = {
        "distance": d[:, 0],
        "ratio": d[:, 0] / d[:, 1],
        "carlini": d[:, 0] / (0.5 * d[:, :5].mean(axis=1)),
    }
    scores = chosen.fit(REFERENCE).score(pairs(HONEST[:20]))
    assert scores == pytest.approx(expected[statistic], rel=1e-5)


@pytest.mark.parametrize("chosen", [PixelNN(), PixelNN(statistic="ratio")])
def test_a_copy_and_its_mirror_image_score_zero(chosen):
    copies = np.concatenate([REFERENCE[:3], mirrored(REFERENCE[:3])])
    assert chosen.fit(REFERENCE).score(pairs(copies)).tolist() == [0] * 6


def test_turned_views_find_copies_in_quarter_turns_and_negatives() -> None:
    reference = textures(60, 0)
    turned = np.rot90(reference[:9], 1, axes=(2, 3))
    copies = [turned, turned[..., ::-1], reference[:9, :, ::-1], -reference[:9], -turned]
    for views, is_found in (("turned", True), ("mirrored", False)):
        judge = fit_judge(PixelNN(num_neighbours=5, is_centred=True, views=views), reference)
        for each in copies:
            scores = judge.score(pairs(np.ascontiguousarray(each)))
            assert ((scores < 1e-5) == is_found).all()
            nearest = judge.nearest(pairs(np.ascontiguousarray(each)))
            assert np.array_equal(nearest, np.arange(9)) == is_found


def test_of_pictures_that_are_not_square_half_turns_are_found_and_quarter_turns_are_not_views() -> (
    None
):
    wide = textures(40, 0)[:, :, :16]
    judge = fit_judge(PixelNN(num_neighbours=5, views="turned"), wide)
    assert (judge.score(pairs(wide[:5, :, ::-1, ::-1].copy())) < 1e-5).all()


def test_views_are_named_only_where_they_are_other_than_before() -> None:
    assert "views" not in describe(PixelNN())
    assert describe(PixelNN(views="turned"))["views"] == "turned"


def test_means_over_areas_are_those_of_blocks_and_share_a_pixel_by_its_area():
    assert reduced(REFERENCE, 4) == pytest.approx(
        REFERENCE.reshape(300, 3, 4, 4, 4, 4).mean(axis=(3, 5)), abs=1e-6
    )
    row = np.array([[[[1.0, 2, 3]]]], np.float32).repeat(3, 2)
    assert reduced(row, 2)[0, 0, 0].tolist() == pytest.approx([4 / 3, 8 / 3])


def test_equal_bytes_are_found_also_mirrored_and_nothing_else():
    x_0 = np.concatenate([REFERENCE[:2], mirrored(REFERENCE[2:4]), HONEST[:2]])
    x_0[0] += np.float32(1e-3)  # rounds to the same bytes
    near = REFERENCE[4:5] + np.float32(1 / 127.5)
    scores = Exact().fit(REFERENCE).score(pairs(np.concatenate([x_0, near])))
    assert scores.tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert Exact().calibrate(np.array([1.0, 0.0]), 0.0) == 0.5


def moved(
    x: np.ndarray, *, scale: float = 1, degrees: float = 0, shift: tuple = (0, 0)
) -> np.ndarray:
    """Pictures seen through a similarity transform; what comes into view repeats the edge."""
    side, angle = x.shape[-1], np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.full(2, (side - 1) / 2)
    offset = centre - turn @ centre + shift
    return np.stack(
        [
            [ndimage.affine_transform(c, turn, offset, order=1, mode="nearest") for c in each]
            for each in x
        ]
    )


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda x: x, 100),
        (mirrored, 100),
        (lambda x: moved(x, shift=(1, -1)), 97),
        (lambda x: moved(x, shift=(2, 2)), 92),
        (lambda x: moved(x, scale=7 / 8), 97),
        (lambda x: moved(mirrored(x), degrees=5), 92),
        (lambda x: 0.7 * x + 0.1, 97),
        (lambda x: np.where(np.arange(16) < 2, 0, x), 90),
    ],
)
def test_a_picture_that_was_moved_turned_scaled_or_covered_is_found(change, least):
    copies = change(REFERENCE[:60]).astype(np.float32)
    assert dropped(Aligned(), copies) >= least


@pytest.mark.parametrize("chosen", [Exact(), PixelNN(), Aligned()])
def test_honest_pictures_are_kept_at_the_stated_rate(chosen):
    assert dropped(chosen, FRESH) <= 5  # 1 %, and four binomial errors


@pytest.mark.parametrize("chosen", [Exact(), PixelNN(), Aligned()])
@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (np.zeros((5, 2), np.float32), r"pictures \[1 or 3, H, W\].*shape \[2\].*near-copy"),
        (np.zeros((5, 3, 4, 4), np.float32), "sides of at least 8"),
        (np.zeros((5, 4, 8, 8), np.float32), r"shape \[4, 8, 8\]"),
        (np.zeros((0, 3, 8, 8), np.float32), "has 0 pictures"),
        (np.full((5, 3, 8, 8), np.nan, np.float32), "not finite"),
    ],
)
def test_a_reference_that_is_no_pictures_is_refused(chosen, reference, said):
    with pytest.raises(ValueError, match=said):
        chosen.fit(reference)


@pytest.mark.parametrize("chosen", [Exact(), PixelNN(), Aligned()])
def test_pairs_of_another_shape_are_refused(chosen):
    grey = np.zeros((2, 1, 16, 16), np.float32)
    with pytest.raises(ValueError, match=r"shape \[1, 16, 16\].*reference of \[3, 16, 16\]"):
        chosen.fit(REFERENCE).score(pairs(grey))


@pytest.mark.parametrize("chosen", [Exact(), PixelNN(), Aligned()])
def test_no_pairs_have_no_scores(chosen):
    assert chosen.fit(REFERENCE).score(pairs(HONEST[:0])).shape == (0,)


@pytest.mark.parametrize(
    "chosen", [Exact(), PixelNN(num_neighbours=5), PixelNN(size=8, is_centred=True), Aligned()]
)
def test_a_filter_of_pictures_names_the_picture_that_was_copied(chosen):
    rows = np.array([250, 3, 77, 140])
    copies = np.where(
        np.arange(4)[:, None, None, None] % 2, mirrored(REFERENCE[rows]), REFERENCE[rows]
    )
    assert fit_judge(chosen, REFERENCE).nearest(pairs(copies)).tolist() == rows.tolist()


def test_the_source_of_a_shifted_copy_is_named_and_nothing_is_where_none_is_alike():
    judge = fit_judge(Aligned(), REFERENCE)
    shifted = moved(REFERENCE[[5, 200]], shift=(2, 2)).astype(np.float32)
    assert judge.nearest(pairs(shifted)).tolist() == [5, 200]
    noise = np.random.RandomState(0).uniform(-1, 1, (2, 3, 16, 16)).astype(np.float32)
    assert judge.nearest(pairs(noise)).tolist() == [-1, -1]
    assert fit_judge(Exact(), REFERENCE).nearest(pairs(HONEST[:1])).tolist() == [-1]
