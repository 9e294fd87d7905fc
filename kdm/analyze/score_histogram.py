"""Scores of a filter that judges by distance, in bins that hide every single sample."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.picture import ACCENT, PALETTE, headline, new_figure, picture

MIN_BIN = 20  # samples in a published bin: fewer could point at a single one
_BINS_PER_DECADE = 12
# Fixed, so that no edge is a sample's own score: 1e-6 … 1e4 data units.
_GRID = 10 ** (np.arange(-6 * _BINS_PER_DECADE, 4 * _BINS_PER_DECADE + 1) / _BINS_PER_DECADE)

Scores = NDArray[np.floating]


def published_bins(sets: Sequence[Scores]) -> NDArray[np.float64]:
    """Edges [b + 1] of bins on a fixed logarithmic grid, each with 20 or more scores of every set.

    A bin that is too small joins its right neighbour. Scores beyond the outer edges count to the
    outer bins, so not even the smallest or the largest score shows. A set of fewer than 20 scores
    leaves no bin at all.
    """
    counts = np.stack([count_scores(scores, _GRID) for scores in sets])
    edges: list[int] = []
    pending = np.zeros(len(sets), np.int64)
    for grid_bin in range(counts.shape[1]):
        pending += counts[:, grid_bin]
        if (pending >= MIN_BIN).all():
            edges += [grid_bin + 1] if edges else [grid_bin, grid_bin + 1]
            pending[:] = 0
    return _GRID[edges]


def count_scores(scores: Scores, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many scores fall between the edges; those beyond count to the first and last bin."""
    bins = np.searchsorted(edges[1:-1], np.asarray(scores, np.float64), side="right")
    return np.bincount(bins, minlength=len(edges) - 1).astype(np.int64)


@picture
def score_histogram(generated: Scores, heldout: Scores, *, threshold: float, title: str) -> Figure:
    """Scores of generated samples beside those of held-out real ones, with the threshold.

    Shares are a decade of score, so that bins of different widths compare.
    """
    figure = new_figure(5.6, 3.0)
    headline(figure, title)
    axes = figure.subplots()
    edges = published_bins([generated, heldout])
    if not len(edges):
        axes.text(0.5, 0.5, f"fewer than {MIN_BIN} scores: none is shown", ha="center")
        axes.set_axis_off()
        return figure
    decades = np.diff(np.log10(edges))
    for label, scores, colour in (
        ("held-out real data", heldout, "#7b8794"),
        ("generated", generated, PALETTE[4]),
    ):
        density = count_scores(scores, edges) / len(scores) / decades
        axes.stairs(density, edges, label=f"{label}, n = {len(scores):,}", color=colour, lw=1.6)
        axes.stairs(density, edges, fill=True, color=colour, alpha=0.12)
    axes.axvline(threshold, color=ACCENT, linewidth=1.4, linestyle="--", label="threshold")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("score: distance to the nearest training sample (data units)")
    axes.set_ylabel("share a decade")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
