"""Pictures: the same bytes for the same arrays, and every score where it lies."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from kdm.analyze.cell_colours import cell_number, noise_by_cell
from kdm.analyze.image_pairs import image_pairs_picture
from kdm.analyze.loss_curves import LossHistory, loss_curves
from kdm.analyze.outlier_trace import outlier_trace
from kdm.analyze.sample_plots import pairs_picture, samples_beside_teacher
from kdm.analyze.score_histogram import bin_edges, count_scores, score_histogram
from kdm.analyze.shown_pairs import can_be_shown
from kdm.analyze.spectrum import spectrum
from kdm.datasets.checkerboard import CheckerboardData, in_cells

X_0 = CheckerboardData(num_train=300).train()
X_T = np.random.RandomState(0).standard_normal((300, 2)).astype(np.float32)
SCORES = np.random.RandomState(1).lognormal(-4, 1, 3000)

NOISE = np.random.RandomState(3).standard_normal((20, 3, 8, 8)).astype(np.float32)

PICTURES = {
    "noise_by_cell": lambda: noise_by_cell(X_T, X_0, title="$teacher^$"),
    "outlier_trace": lambda: outlier_trace(X_T, X_0, is_outlier=X_0[:, 0] > 4, title="kdm"),
    "spectrum": lambda: spectrum(np.exp(1j * np.arange(9)), "kdm"),
    "loss_curves": lambda: loss_curves(LossHistory([1, 2], {"lat": [1, -1]}), "kdm"),
    "score_histogram": lambda: score_histogram(
        SCORES, SCORES[:999], threshold=0.01, title="near-copy"
    ),
    "samples": lambda: samples_beside_teacher(X_0, X_0, student="$kdm^$"),
    "pairs": lambda: pairs_picture(X_T, X_0),
    "image_pairs": lambda: image_pairs_picture(NOISE, NOISE**2, noise_scale=2.0),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_arrays_give_the_same_bytes_whatever_the_users_style(name):
    first = PICTURES[name]()
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "savefig.dpi": 10}):
        assert PICTURES[name]() == first


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_readable_png_without_text_or_date_inside(name):
    picture = Image.open(io.BytesIO(PICTURES[name]()))
    picture.load()
    assert picture.format == "PNG"
    assert picture.info.keys() <= {"transparency", "gamma", "dpi"}
    assert len(set(picture.convert("L").resize((40, 40)).tobytes())) > 4


def test_a_picture_of_five_thousand_pairs_is_under_a_hundred_kilobytes():
    x_0 = CheckerboardData(num_train=5000).train()
    assert len(noise_by_cell(x_0 / 2, x_0, title="teacher")) < 100_000


def test_the_eight_dark_squares_have_eight_numbers_and_no_other_place_has_one():
    points = CheckerboardData(num_train=2000).train()
    assert set(cell_number(points)) == set(range(8))
    outside = np.random.RandomState(2).uniform(-6, 6, (2000, 2)).astype(np.float32)
    assert np.array_equal(cell_number(outside) >= 0, in_cells(outside))


def test_every_score_lies_in_its_own_bin_the_outermost_too():
    extreme = np.concatenate([[0.0, 1e-9], SCORES, [1e9]])
    edges = bin_edges([extreme, SCORES[:700]])
    counts = count_scores(extreme, edges)
    assert counts.sum() == len(extreme)
    assert (counts[0], counts[1], counts[-1]) == (1, 1, 1)
    assert np.allclose(np.diff(np.log10(edges[1:])), 1 / 12)


def test_scores_below_zero_or_all_alike_have_bins_too():
    for scores in (np.array([-3.0, 0.5, 2.0]), np.zeros(5), np.array([0.25])):
        assert count_scores(scores, bin_edges([scores])).sum() == len(scores)
        assert score_histogram(scores, scores, threshold=0.1, title="quality")


def test_two_loss_terms_never_share_a_colour_and_no_name_is_cut():
    terms = {f"a_rather_long_name_of_term_{each}": [1.0, 0.5] for each in range(14)}
    figure = loss_curves.__wrapped__(LossHistory([1, 2], terms), "kdm")
    figure.canvas.draw()
    (axes,), (legend,) = figure.axes, figure.legends
    assert len({line.get_color() for line in axes.lines}) == len(terms)
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


def test_a_grid_shows_bytes_as_they_are_and_enlarges_by_a_whole_factor():
    x_0 = np.zeros((64, 3, 8, 8), np.uint8)
    x_0[:, 0] = 200
    shown = np.asarray(Image.open(io.BytesIO(image_pairs_picture(x_0, x_0, noise_scale=1.0))))
    assert (shown == [200, 0, 0]).all(axis=2).sum() == 64 * (8 * 8) ** 2  # 8 times either way


def test_images_are_what_has_two_long_sides_at_the_end():
    assert [can_be_shown(shape) for shape in [(2,), (3, 8, 8), (1, 8, 8), (8, 8), (3, 1, 1)]] == [
        False, True, True, True, False,
    ]  # fmt: skip
