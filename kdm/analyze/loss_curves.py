"""Losses over training, every term by name, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import headline, line_style, new_figure, picture

_WIDTH = 5.6  # inches
# Their sum lies below the terms, wide and grey: of a single term it is the same line.
_TOTAL = {"color": "#b8c1cc", "linewidth": 4.0, "zorder": 1.5}


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
    known = sorted({*all_terms, *history.terms} - {"total"})
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
            **(_TOTAL if name == "total" else {"linewidth": 1.2, **line_style(known.index(name))}),
        )
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(
        LogFormatter(minor_thresholds=(1, 0.4))
    )  # '4.8', no power of ten
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    legend_below(figure, list(labels.values()))
    return figure
