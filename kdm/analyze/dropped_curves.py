"""The share of samples that a filter drops over its threshold, made of public numbers alone."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import ACCENT, PALETTE, headline, new_figure, picture

_WIDTH, _HEIGHT = 5.6, 3.0  # inches
REAL = "real samples"  # that calibrated
_COLOURS = {REAL: "#7b8794"}
Steps = Sequence[tuple[float, int]]  # thresholds, and how many they drop


@picture
def dropped_curves(
    title: str, curves: Mapping[str, tuple[Steps, int]], *, threshold: float
) -> Figure:
    """A line for each set of samples: its steps, and how many samples it has. Shares are logarithmic.

    `threshold`, the one that decides, is drawn as a vertical line.
    """
    labels = [legend_label(name, _WIDTH) for name in (*curves, "threshold")]
    figure = new_figure(_WIDTH, _HEIGHT + legend_shape(labels, _WIDTH)[1])
    headline(figure, title)
    axes = figure.subplots()
    for (name, (steps, total)), label in zip(curves.items(), labels, strict=False):
        thresholds = [at for at, _ in steps]
        shares = [num / total for _, num in steps]
        colour = _COLOURS.get(name, PALETTE[4])
        axes.plot(thresholds, shares, label=label, color=colour, marker=".", linewidth=1.4)
    axes.axvline(threshold, color=ACCENT, linewidth=1.4, linestyle="--", label="threshold")
    if _spans_decades([at for steps, _ in curves.values() for at, _ in steps] + [threshold]):
        axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("threshold, in the filter's own unit")
    axes.set_ylabel("share that is dropped")
    legend_below(figure, labels)
    return figure


def _spans_decades(thresholds: Sequence[float]) -> bool:
    """Whether thresholds are distances of different size, which only their ratio tells apart."""
    return min(thresholds) > 0 and max(thresholds) > 10 * min(thresholds)
