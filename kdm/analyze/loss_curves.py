"""Losses over training, every term by name, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import headline, line_style, new_figure, picture

_WIDTH = 5.6  # inches
_TOTAL = "total"  # the sum of a player's terms: 'total', or 'critic/total' where there are several
# A sum lies below its terms, wide and pale: of a single term it is the same line.
_TOTAL_COLOURS = ("#b8c1cc", "#e3cfae", "#cdb8dc")


@dataclass(frozen=True)
class LossHistory:
    """Loss terms by name, each as long as `steps`."""

    steps: Sequence[int]
    terms: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, entries: Sequence[Mapping[str, Any]]) -> Self:
        """From a trainer's log, `{"step": …, "losses": {…}}` a line; NaN where a term is absent."""
        names = sorted({name for entry in entries for name in entry["losses"]})
        terms = {name: [entry["losses"].get(name, np.nan) for entry in entries] for name in names}
        return cls([entry["step"] for entry in entries], terms)


@picture
def loss_curves(history: LossHistory, title: str, *, all_terms: Sequence[str] = ()) -> Figure:
    """One line a term; values that are not positive have no place on the scale and leave a gap.

    `all_terms` of pictures that are looked at together give a term one colour in all of them.
    """
    known = sorted({*all_terms, *history.terms})
    sums = [name for name in known if _is_sum(name)]
    known = [name for name in known if name not in sums]
    labels = {name: legend_label(name, _WIDTH) for name in history.terms}
    _, legend_height = legend_shape(list(labels.values()), _WIDTH)
    figure = new_figure(_WIDTH, 3.2 + legend_height)
    headline(figure, title)
    axes = figure.subplots()
    for name, values in sorted(history.terms.items()):
        drawn = np.asarray(values, np.float64)
        axes.plot(
            history.steps,
            np.where(drawn > 0, drawn, np.nan),
            label=labels[name],
            marker="o" if len(history.steps) == 1 else None,  # a single point makes no line
            markersize=4,
            **(_sum_style(sums.index(name)) if name in sums else line_style(known.index(name))),
        )
    axes.set_yscale("log")
    # '4.8', where the usual one would write a power of ten.
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    legend_below(figure, list(labels.values()))
    return figure


def _is_sum(name: str) -> bool:
    return name.rpartition("/")[2] == _TOTAL


def _sum_style(place: int) -> dict[str, Any]:
    colour = _TOTAL_COLOURS[place % len(_TOTAL_COLOURS)]
    return {"color": colour, "linewidth": 4.0, "zorder": 1.5}
