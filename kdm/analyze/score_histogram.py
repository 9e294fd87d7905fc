"""Scores of a privacy filter on generated and on held-out real samples, with the threshold that decides.

A filter by distance drops what scores below its threshold. Held-out real samples show what chance
gives: if generated samples are left of them, the teacher copies.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.lettering import legend_below
from kdm.analyze.picture import ACCENT, PALETTE, headline, new_figure, picture

_BINS_PER_DECADE = 12
_NUM_LINEAR_BINS = 60

Scores = NDArray[np.floating]


def bin_edges(sets: Sequence[Scores]) -> NDArray[np.float64]:
    """Edges of bins that every finite score of every set lies in, rising.

    If no score is below 0, on a logarithmic grid, twelve a decade; exact zeros have the first bin,
    which begins at 0. On a linear grid otherwise.
    """
    every = np.concatenate([np.asarray(scores, np.float64).ravel() for scores in sets])
    every = every[np.isfinite(every)]
    if not len(every) or every.min() < 0 or not every.any():
        low, high = (every.min(), every.max()) if len(every) else (0.0, 1.0)
        return np.linspace(low, high if high > low else low + 1, _NUM_LINEAR_BINS + 1)
    low, high = np.log10(every[every > 0].min()), np.log10(every.max())
    first = int(np.floor(low * _BINS_PER_DECADE))
    last = int(np.floor(high * _BINS_PER_DECADE)) + 1
    grid = 10 ** (np.arange(first, last + 1) / _BINS_PER_DECADE)
    grid[0], grid[-1] = min(grid[0], 10**low), max(grid[-1], 10**high)  # powers round
    return np.concatenate([[0.0], grid]) if (every == 0).any() else grid


def count_scores(scores: Scores, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many scores lie between the edges, the last one included."""
    return np.histogram(np.asarray(scores, np.float64), edges)[0].astype(np.int64)


@picture
def score_histogram(generated: Scores, heldout: Scores, *, threshold: float, title: str) -> Figure:
    """Scores of generated samples [n] beside those of held-out real ones [m], with the threshold.

    The height is the share of each set in a bin, on a logarithmic scale, so that a single sample shows.
    """
    figure = new_figure(5.6, 3.2)
    headline(figure, title)
    axes = figure.subplots()
    edges = bin_edges([generated, heldout, np.array([threshold])])
    lowest = 1.0
    for label, scores, colour in (
        ("held-out real data", heldout, "#7b8794"),
        ("generated", generated, PALETTE[4]),
    ):
        num_below = int((np.asarray(scores) < threshold).sum())
        share = count_scores(scores, edges) / max(len(scores), 1)
        lowest = min(lowest, 0.5 / max(len(scores), 1))
        words = f"{label}: {num_below:,} of {len(scores):,} below"
        axes.stairs(share, edges, label=words, color=colour, lw=1.6, baseline=0)
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.12, baseline=0)
    axes.axvline(threshold, color=ACCENT, linewidth=1.4, linestyle="--", label="threshold")
    _scale_scores(figure, edges)
    axes.set_yscale("log")
    axes.set_ylim(bottom=lowest)  # half a sample of the larger set
    axes.set_xlabel("score, in the filter's own unit")
    axes.set_ylabel("share a bin")
    legend_below(figure, axes.get_legend_handles_labels()[1])
    return figure


def _scale_scores(figure: Figure, edges: NDArray[np.float64]) -> None:
    """The score axis as the bins are: linear, logarithmic, or linear up to the first positive edge."""
    (axes,) = figure.axes
    steps = np.diff(edges)
    if np.allclose(steps, steps[0]):
        return
    if edges[0] > 0:
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=edges[1])
