"""Errors of samplers over evaluations, both on logarithmic scales: the slope of a line is its order."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from kdm.analyze.line_chart import Line, line_chart
from kdm.analyze.picture import INK, MARKERS, line_style, picture


@picture
def error_curves(
    curves: Mapping[str, Sequence[tuple[int, float]]],
    title: str,
    *,
    level: tuple[str, float] | None,
) -> Figure:
    """A line for each sampler through its (evaluations, error); `level` names an error to reach."""
    lines = [
        Line(
            name,
            [evaluations for evaluations, error in points if _is_drawn(error)],
            [error for _, error in points if _is_drawn(error)],
            {**line_style(place), "marker": MARKERS[place % len(MARKERS)]},
        )
        for place, (name, points) in enumerate(curves.items())
    ]
    figure, axes = line_chart(title, lines, along="evaluations of the network", height=3.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = sorted({evaluations for points in curves.values() for evaluations, _ in points})
    axes.xaxis.set_major_locator(FixedLocator(_apart(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel("paired error")
    if level is not None:
        axes.axhline(level[1], color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            level[0], (ticks[0], level[1]), xytext=(0, 3), textcoords="offset points", fontsize=7.5
        )
    return figure


def _is_drawn(error: float) -> bool:
    return math.isfinite(error) and error > 0


def _apart(ticks: Sequence[int]) -> list[int]:
    """Those that leave room for their numbers: each at least an eighth more than the one before."""
    kept: list[int] = []
    for tick in ticks:
        if not kept or tick >= 1.125 * kept[-1]:
            kept.append(tick)
    return kept
