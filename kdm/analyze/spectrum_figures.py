"""Figures of operators: eigenvalues in the complex plane, and singular values from the largest down."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from kdm.analyze.analysis import Drawing, Found
from kdm.analyze.lettering import in_lines, legend_below, legend_label, literal
from kdm.analyze.panels import panels
from kdm.analyze.picture import (
    INK,
    PALETTE,
    TITLE_POINTS,
    drawn,
    headline,
    line_style,
    new_figure,
    plane,
)


def eigenvalue_planes(found: Found) -> Drawing:
    """A panel a point, of its first seed."""
    png, svg = _planes({name: seeds[0].arrays["eigenvalues"] for name, seeds in found.items()})
    return Drawing(
        "eigenvalues",
        "Eigenvalues",
        "Eigenvalues of each student’s operator with the unit circle: inside it a direction of the "
        "latents fades on "
        "its way from noise to data.",
        f"Eigenvalues of {len(found)} operators in the complex plane.",
        png,
        svg,
    )


def singular_values(found: Found) -> Drawing:
    """All singular values of each point's first seed, a line each."""
    png, svg = _lines({name: seeds[0].arrays["singular_values"] for name, seeds in found.items()})
    return Drawing(
        "singular-values",
        "Singular values",
        "From the largest down, over their rank as a share of d. A flat line uses every direction, "
        "a steep one few.",
        f"Singular values of {len(found)} operators.",
        png,
        svg,
    )


@drawn
def _planes(values: dict[str, np.ndarray]) -> Figure:
    figure, every = panels("Eigenvalues of the operator", len(values))
    window = 1.1 * max(1.0, max(float(np.hypot(*each.T).max()) for each in values.values()))
    for axes, (name, each) in zip(every, values.items(), strict=True):
        plane(axes, window)
        axes.add_patch(Circle((0, 0), 1, fill=False, color=INK, linewidth=1.0, linestyle="--"))
        axes.scatter(each[:, 0], each[:, 1], s=9, color=PALETTE[4], alpha=0.75, linewidths=0)
        axes.set_title(literal(in_lines(name, 2.2, TITLE_POINTS)))
    return figure


@drawn
def _lines(values: dict[str, np.ndarray]) -> Figure:
    labels = [legend_label(name, 5.6) for name in values]
    figure = new_figure(5.6, 3.4)
    headline(figure, "Singular values of the operator")
    axes = figure.subplots()
    for place, (label, each) in enumerate(zip(labels, values.values(), strict=True)):
        rank = np.arange(1, len(each) + 1) / len(each)
        axes.plot(rank, np.where(each > 0, each, np.nan), label=label, **line_style(place))
    axes.set_yscale("log")
    axes.set_xlabel("rank / d")
    axes.set_ylabel("singular value")
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    legend_below(figure, labels)
    return figure
