"""Losses over training, every term by name, on a logarithmic scale.

A sum of terms (`total`) is drawn wide and pale below them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from kdm.analyze.line_chart import Line, line_chart
from kdm.analyze.picture import line_style, picture

_TOTAL = "total"  # the sum of a player's terms: 'total', or 'critic/total' if there are several
# A sum lies below its terms, wide and pale: of a single term it is the same line.
_TOTAL_COLOURS = ("#b8c1cc", "#e3cfae", "#cdb8dc")


@dataclass(frozen=True)
class LossHistory:
    """Loss terms by name, each as long as `steps`.

    A trainer logs some steps only, and a term may begin or end on the way: meanwhile it is NaN.
    """

    steps: Sequence[int]
    terms: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, entries: Sequence[Mapping[str, Any]]) -> Self:
        """From a trainer's log, `{"step": …, "losses": {…}}` a line; NaN if a term is absent."""
        names = sorted({name for entry in entries for name in entry["losses"]})
        terms = {name: [entry["losses"].get(name, np.nan) for entry in entries] for name in names}
        return cls([entry["step"] for entry in entries], terms)


@picture
def loss_curves(history: LossHistory, title: str, *, all_terms: Sequence[str] = ()) -> Figure:
    """One line a term over steps, on a logarithmic scale.

    Values that aren't positive leave a gap on that scale. `all_terms` of pictures that are looked
    at together give a term one colour in all of them.
    """
    known = sorted({*all_terms, *history.terms})
    sums = [name for name in known if _is_sum(name)]
    known = [name for name in known if name not in sums]

    def line(name: str) -> Line:
        """A term's line; a single point is drawn as a dot."""
        values = np.asarray(history.terms[name], np.float64)
        style = _sum_style(sums.index(name)) if name in sums else line_style(known.index(name))
        if len(history.steps) == 1:
            style["marker"] = "o"  # a single point makes no line
        return Line(name, history.steps, np.where(values > 0, values, np.nan).tolist(), style)

    lines = [line(name) for name in sorted(history.terms)]
    figure, axes = line_chart(title, lines, along="step", height=3.2)
    axes.set_yscale("log")
    # '4.8', instead of the usual power of ten.
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axes.set_ylabel("loss")
    return figure


def _is_sum(name: str) -> bool:
    """Whether a term is the sum of a player's other terms."""
    return name.rpartition("/")[2] == _TOTAL


def _sum_style(place: int) -> dict[str, Any]:
    """How the line of a sum looks: `place` among the sums of a picture chooses its colour."""
    colour = _TOTAL_COLOURS[place % len(_TOTAL_COLOURS)]
    return {"color": colour, "linewidth": 4.0, "zorder": 1.5}
