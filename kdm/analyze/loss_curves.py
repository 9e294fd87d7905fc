"""Losses over training, every term by name, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.figure import Figure

from kdm.analyze.picture import (
    headline,
    legend_below,
    line_style,
    literal,
    new_figure,
    picture,
)


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
    figure = new_figure(5.6, 3.5)
    headline(figure, title)
    axes = figure.subplots()
    for name, values in sorted(history.terms.items()):
        drawn = np.asarray(values, np.float64)
        axes.plot(
            history.steps,
            np.where(drawn > 0, drawn, np.nan),
            label=literal(name),
            linewidth=1.2,
            **line_style(known.index(name)),
        )
    axes.set_yscale("log")
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    legend_below(figure, list(history.terms))
    return figure
