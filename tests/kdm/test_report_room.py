"""Names are as long as users make them: every picture has room for them."""

import io
from functools import cache

import numpy as np
import pytest
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from kdm.analyze.cell_colours import noise_by_cell
from kdm.analyze.lettering import in_lines, inches_of
from kdm.analyze.loss_curves import LossHistory, loss_curves
from kdm.analyze.outlier_trace import outlier_trace
from kdm.analyze.picture import STYLE
from kdm.analyze.sample_plots import samples_beside_teacher, samples_picture
from kdm.analyze.score_histogram import score_histogram
from kdm.analyze.spectrum import spectrum
from kdm.analyze.trend import Trend, trend_picture
from kdm.report.content import EvaluationEvent
from kdm.report.overview import _trend
from kdm.report.picture_figures import beside_teacher
from kdm.report.tables import Meaning

NAME = "regression-with-width-128-and-4-layers-trained-twice-as-long-from-the-W-preset"
STREAM = np.random.RandomState(0)
X_T, X_0 = STREAM.standard_normal((2, 50, 2)).astype(np.float32)
IMAGES = STREAM.uniform(-1, 1, (24, 1, 8, 8)).astype(np.float32)
MANY = [Trend(f"{NAME}-{each}", [each], [0.5]) for each in range(1, 18)]
FIGURES = {
    "noise_by_cell": lambda: noise_by_cell.__wrapped__(X_T, X_0, title=NAME),
    "outlier_trace": lambda: outlier_trace.__wrapped__(
        X_T, X_0, is_outlier=X_0[:, 0] > 1, title=NAME
    ),
    "spectrum": lambda: spectrum.__wrapped__(np.exp(1j * np.arange(16384)), NAME),
    "samples": lambda: samples_picture.__wrapped__(X_0, NAME),
    "samples_beside": lambda: samples_beside_teacher.__wrapped__(X_0, X_0, student=NAME),
    "losses": lambda: loss_curves.__wrapped__(
        LossHistory([1, 2], {f"{NAME}-{NAME}": [1, 2], "total": [1, 2]}), NAME
    ),
    "scores": lambda: score_histogram.__wrapped__(
        np.arange(1.0, 1_000_000.0, 10), np.arange(1.0, 9.0), threshold=900_000.0, title=NAME
    ),
    "trend": lambda: trend_picture.__wrapped__(MANY, "same cell", is_fraction=True),
    "images": lambda: beside_teacher.__wrapped__([("teacher", IMAGES), (NAME, IMAGES)], None),
}


@cache
def drawn(name: str) -> Figure:
    """The figure before it becomes a PNG, in the style that it has there."""
    with style.context(["default", STYLE]):
        figure = FIGURES[name]()
        figure.canvas.draw()
    return figure


def words_of(figure: Figure) -> list[Text]:
    """Titles, labels and legends; ticks are numbers, and those out of view are not drawn."""
    ticks = {
        label
        for axes in figure.axes
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels())
    }
    ticks |= {label for axes in figure.axes for label in axes.yaxis.get_ticklabels(minor=True)}
    ticks |= {label for axes in figure.axes for label in axes.xaxis.get_ticklabels(minor=True)}
    return [each for each in figure.findobj(Text) if each.get_text().strip() and each not in ticks]


@pytest.mark.parametrize("name", FIGURES)
def test_a_long_name_lies_inside_its_picture(name: str) -> None:
    figure = drawn(name)
    for words in words_of(figure):
        box = words.get_window_extent()
        assert box.x0 >= -1, words
        assert box.x1 <= figure.bbox.width + 1, words


def test_a_legend_of_many_trainings_leaves_the_axes_their_height_and_each_its_look() -> None:
    figure = drawn("trend")
    (axes,) = figure.axes
    assert axes.get_window_extent().height / figure.dpi > 1.2  # inches
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(looks) == len(MANY)


def test_row_names_end_before_the_images_begin() -> None:
    figure = drawn("images")
    (grid,) = figure.images
    for words in words_of(figure):
        assert words.get_window_extent().x1 < grid.ox


def test_lines_break_where_a_word_ends_and_lose_no_letter() -> None:
    lines = in_lines(NAME, 2.0, 9.5).split("\n")
    assert "".join(lines) == NAME
    assert all(line.endswith("-") for line in lines[:-1])
    cut = in_lines("W" * 60, 2.0, 9.5).split("\n")
    assert "".join(cut) == "W" * 60
    assert all(inches_of(line, 9.5) <= 2.0 for line in [*lines, *cut])
    assert in_lines("kdm", 2.0, 9.5) == "kdm"


def test_the_sum_of_losses_does_not_hide_the_only_term() -> None:
    history = LossHistory([1, 2], {"pred": [1.0, 0.5], "total": [1.0, 0.5]})
    (axes,) = loss_curves.__wrapped__(history, "regression").axes
    total, pred = sorted(axes.lines, key=lambda line: line.get_zorder())
    assert (total.get_label(), pred.get_label()) == ("total", "pred")
    assert total.get_linewidth() > pred.get_linewidth()


def test_losses_of_one_logged_step_are_points_and_two_sums_have_two_colours() -> None:
    history = LossHistory(
        [8], {"critic/total": [1.0], "student/total": [2.0], "student/lat": [0.5]}
    )
    (axes,) = loss_curves.__wrapped__(history, "kdm").axes
    assert {line.get_marker() for line in axes.lines} == {"o"}
    assert len({line.get_color() for line in axes.lines}) == 3


def test_the_overview_draws_the_trainings_evaluated_last_and_counts_the_others() -> None:
    meanings = {"share": Meaning("share", "a share", "higher", "fresh")}
    events = [
        EvaluationEvent(f"2025-01-{day:02}", f"kdm-{day}", f"{day:064}", "pairs", {"share": 0.5})
        for day in range(1, 31)
    ]
    trend = _trend(events, meanings)
    assert trend is not None
    assert trend.alt == (
        "share: 24 trainings over 30 evaluations; 6 earlier trainings are not drawn."
    )
    assert Image.open(io.BytesIO(trend.png)).size[1] < 1600
