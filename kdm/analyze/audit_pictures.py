"""Pictures of an audit, made of its public numbers alone: curves of distances, and shares with intervals."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import INK, headline, line_style, new_figure, picture
from kdm.metrics.bootstrap import Estimate

_WIDTH, _HEIGHT, _ROW = 5.6, 3.0, 0.42  # inches
_REFERENCE = "#7b8794"  # of held-out real samples, which every line is held against
Bins = Sequence[tuple[float, float, int]]  # low, high, count; rising, without gaps


@picture
def distance_curves(title: str, curves: Mapping[str, Bins], *, reference: str) -> Figure:
    """The share of samples nearer to the training set than a distance, a line for each set of bins.

    Both scales are logarithmic: copies are few and near. `reference` names the line of held-out samples.
    """
    labels = [legend_label(name, _WIDTH) for name in curves]
    figure = new_figure(_WIDTH, _HEIGHT + legend_shape(labels, _WIDTH)[1])
    headline(figure, title)
    axes = figure.subplots()
    for line, ((name, bins), label) in enumerate(zip(curves.items(), labels, strict=True)):
        total, below, ends, shares = sum(count for *_, count in bins), 0, [], []
        for _, high, count in bins[:-1] or bins:  # the last bin's end is a power of ten
            below += count
            ends.append(high)
            shares.append(below / total)
        style = line_style(line)
        if name == reference:
            style = {"color": _REFERENCE, "linewidth": 2.2, "linestyle": "-", "zorder": 1}
        axes.plot(ends, shares, label=label, marker="." if len(ends) < 3 else "", **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.grid(color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("distance to the nearest training sample, root mean square")
    axes.set_ylabel("share of samples that are nearer")
    legend_below(figure, labels)
    return figure


@picture
def share_chart(title: str, shares: Mapping[str, Estimate]) -> Figure:
    """Shares with their 95 % intervals, one below the other, and the line of one half."""
    figure = new_figure(_WIDTH, 1.1 + _ROW * len(shares))
    headline(figure, title)
    axes = figure.subplots()
    axes.axvline(0.5, color=_REFERENCE, linewidth=1.4, linestyle="--")
    places = range(len(shares) - 1, -1, -1)
    for place, each in zip(places, shares.values(), strict=True):
        axes.plot([each.low, each.high], [place, place], color=INK, linewidth=1.6)
        axes.plot([each.value], [place], "o", color=INK, markersize=5)
    axes.set_yticks(list(places), list(shares))
    axes.set_ylim(-0.6, len(shares) - 0.4)
    ends = [end for each in shares.values() for end in (each.low, each.high)]
    axes.set_xlim(min(0.4, *ends) - 0.02, max(0.6, *ends) + 0.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share closer to the training set; 50% are expected")
    return figure
