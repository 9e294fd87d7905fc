"""What filters find: their ROC curves, and the share of planted copies that they find together."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.picture import INK, QUIET, drawn, headline, line_style, new_figure

_LEAST_RATE = 5e-4  # of false positives: two of 5,000 real pictures


class Curve(NamedTuple):
    """A filter's ROC curve: its legend, false and true positive rates [k]."""

    label: str
    false: NDArray[np.float64]
    true: NDArray[np.float64]


class Bar(NamedTuple):
    """A share with its interval, all from 0 to 1."""

    value: float
    low: float
    high: float


@drawn
def roc_figure(curves: Sequence[Curve], *, rate: float) -> Figure:
    """A line a filter over false positives on a logarithmic axis; the last one, a control, is dashed.

    `rate` is the rate that was asked for, drawn as a vertical line.
    """
    figure = new_figure(5.6, 4.2)
    headline(figure, "Planted copies found over real pictures dropped")
    axes = figure.subplots()
    for number, curve in enumerate(curves):
        is_control = number == len(curves) - 1
        style = {"color": QUIET, "linestyle": "--"} if is_control else line_style(number)
        axes.step(
            np.maximum(curve.false, _LEAST_RATE),
            curve.true,
            where="post",
            label=curve.label,
            **style,
        )
    axes.axvline(rate, color=INK, linewidth=0.7, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlim(_LEAST_RATE, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("false positives: share of real held-out pictures")
    axes.set_ylabel("share of all planted copies found")
    axes.legend(loc="lower right", fontsize=7, frameon=True, framealpha=0.9, edgecolor="none")
    return figure


@drawn
def recall_figure(found: Mapping[str, Bar]) -> Figure:
    """A dot a transform with its 95 % interval, in their order from above."""
    figure = new_figure(5.6, 0.9 + 0.21 * len(found))
    headline(figure, "Found by all filters together")
    axes = figure.subplots()
    for place, bar in enumerate(found.values()):
        axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=1.0)
        axes.plot(bar.value, place, "o", color=INK, markersize=4)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.grid(axis="x", linewidth=0.4)
    return figure
