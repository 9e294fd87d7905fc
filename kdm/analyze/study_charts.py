"""A study's numbers: a panel for each number, a mark for each point with its interval over seeds.

Points that stand at a number (a size, a count) are a line over it, others a row each. Small dots are single
seeds, a dashed line is the teacher in the student's place. What the paper prints has a panel of its own:
it was measured on other data, so it shares no axis with ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from kdm.analyze.lettering import in_lines, literal
from kdm.analyze.picture import INK, LINE_COLOURS, TITLE_POINTS, drawn, headline, new_figure
from kdm.metrics.over_seeds import over_seeds, within_fractions

_WIDTH, _COLUMNS = 7.2, 2  # inches; panels side by side
_ROW, _FRAME, _PANEL = (
    0.22,
    0.75,
    2.3,
)  # inches: a point's row, a panel's frame, a panel with a line
_WIDE = 4.0  # a range of places beyond this factor has a logarithmic axis
_SEED = "#9aa5b1"


@dataclass(frozen=True)
class Panel:
    """One number of all points: values by seed, in the order of the points; [] where it is missing."""

    label: str
    values: Sequence[Sequence[float]]
    teacher: float | None = None
    is_fraction: bool = False
    is_papers: bool = False


@dataclass(frozen=True)
class Axis:
    """What the points are: their names, and where they stand if that is a number; `series` groups lines."""

    names: Sequence[str]
    label: str = ""
    at: Sequence[float] | None = None
    series: Sequence[str] = ()  # by point; '' or absent: one line


@drawn
def study_chart(title: str, axis: Axis, panels: Sequence[Panel]) -> Figure:
    """The panels in rows of two."""
    num_rows = -(-len(panels) // _COLUMNS)
    height = _PANEL if axis.at is not None else _FRAME + _ROW * len(axis.names)
    columns = min(len(panels), _COLUMNS)
    figure = new_figure(_WIDTH * (columns / _COLUMNS) ** 0.5, num_rows * height + 0.4)
    headline(figure, title)
    every = figure.subplots(num_rows, columns, squeeze=False).ravel()
    for place, (axes, panel) in enumerate(zip(every, panels, strict=False)):
        if axis.at is not None:
            _line(axes, axis, panel)
        else:
            _rows(axes, axis, panel, is_first=place % columns == 0)
        _title(axes, panel)
    for axes in every[len(panels) :]:
        axes.remove()
    return figure


def _title(axes: Axes, panel: Panel) -> None:
    of = ", in the paper" if panel.is_papers else ", %" if panel.is_fraction else ""
    words = f"{panel.label}{of}"
    axes.set_title(literal(in_lines(words, 2.9, TITLE_POINTS)))
    if panel.is_papers:
        axes.set_facecolor("#f5f7fa")


def _rows(axes: Axes, axis: Axis, panel: Panel, *, is_first: bool) -> None:
    """A point a row, the first at the top; names at the left panel only."""
    for row, values in enumerate(panel.values):
        _mark(axes, row, values, panel, LINE_COLOURS[0], is_across=True)
    axes.set_ylim(len(axis.names) - 0.5, -0.5)
    names = [literal(in_lines(name, 1.6, 7.5)) for name in axis.names]
    axes.set_yticks(range(len(names)), names if is_first else [])
    axes.grid(axis="both", color="#e4e7eb", linewidth=0.6)
    _wide(axes, panel, is_across=True)
    if panel.teacher is not None and not panel.is_papers:
        axes.axvline(_percent(panel.teacher, panel), color=INK, linewidth=0.8, linestyle="--")


def _line(axes: Axes, axis: Axis, panel: Panel) -> None:
    """Lines over the points' places."""
    assert axis.at is not None  # the caller asked
    at = axis.at
    series = list(axis.series) or [""] * len(axis.names)
    for number, name in enumerate(dict.fromkeys(series)):
        colour = LINE_COLOURS[number]
        places = [place for place, each in enumerate(series) if each == name]
        places = sorted((place for place in places if panel.values[place]), key=lambda p: at[p])
        means = [
            _mark(axes, at[place], panel.values[place], panel, colour, is_across=False)
            for place in places
        ]
        if places:
            axes.plot([at[p] for p in places], means, color=colour, linewidth=1.1, label=name)
    if any(series):
        axes.legend(loc="best")
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.6)
    axes.set_xlabel(axis.label)
    _wide(axes, panel, is_across=False)
    if panel.teacher is not None and not panel.is_papers:
        axes.axhline(_percent(panel.teacher, panel), color=INK, linewidth=0.8, linestyle="--")
    if min(at) > 0 and max(at) / min(at) >= _WIDE:
        axes.set_xscale("log")
        axes.set_xticks(sorted(set(at)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.minorticks_off()


def _mark(
    axes: Axes, place: float, values: Sequence[float], panel: Panel, colour: str, *, is_across: bool
) -> float:
    """Seeds as dots, their mean with its interval; the mean, NaN without values."""
    if not values:
        return float("nan")
    mean, error = _percent(values[0], panel), None
    if len(values) > 1:
        middle, interval = over_seeds(values)
        ends = within_fractions(interval) if panel.is_fraction else interval
        mean, low, high = (_percent(each, panel) for each in (middle, *ends))
        error = [[mean - low], [high - mean]]
        dots, where = [_percent(each, panel) for each in values], [place] * len(values)
        across, up = (dots, where) if is_across else (where, dots)
        axes.scatter(across, up, s=7, color=_SEED, linewidths=0, zorder=2)
    across, up = ([mean], [place]) if is_across else ([place], [mean])
    beside, above = (error, None) if is_across else (None, error)
    style: dict[str, Any] = {"markersize": 4, "capsize": 2.5, "linewidth": 1.1, "zorder": 3}
    axes.errorbar(across, up, xerr=beside, yerr=above, fmt="o", color=colour, **style)
    return mean


def _wide(axes: Axes, panel: Panel, *, is_across: bool) -> None:
    """A logarithmic axis for positive numbers of several orders; few ticks else."""
    every = [value for values in panel.values for value in values]
    is_log = bool(every) and min(every) > 0 and max(every) / min(every) > 30
    if is_log:
        (axes.set_xscale if is_across else axes.set_yscale)("log")
        return
    (axes.xaxis if is_across else axes.yaxis).set_major_locator(MaxNLocator(4))


def _percent(value: float, panel: Panel) -> float:
    return 100 * value if panel.is_fraction else value
