"""Figures of the local structure (arXiv 2505.13358, Figs. 3 and 10 to 12).

Distances over σ are a line chart; neighbourhoods are rows of pictures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdm.analyze.analysis import Drawing, Findings, Found
from kdm.analyze.image_strips import are_images, strips
from kdm.analyze.lettering import legend_below, legend_label
from kdm.analyze.picture import INK, drawn, headline, line_style, new_figure
from kdm.metrics.over_seeds import over_seeds


def curves(found: Found) -> Drawing:
    """d(σ) of each point, and of the teacher."""
    png, svg = _curves(found)
    first = next(iter(found.values()))[0]
    return Drawing(
        "curves",
        "Distance over the strength of the perturbation",
        "How far a sample moves if its noise is perturbed by σ: 0 is the same sample, 1 another one of its "
        "class. A student that keeps its teacher’s local structure follows the dashed line.",
        f"Distance from the unperturbed sample over σ; at σ = {first.arrays['sigmas'][-1]:g} "
        f"{first.arrays['student'][-1]:.2f} for the first student, {first.arrays['teacher'][-1]:.2f} for "
        "the teacher.",
        png,
        svg,
    )


def neighbourhoods(found: Found) -> list[Drawing]:
    """The first noises' samples over σ, a row of the teacher above one of each point; [] unless pictures."""
    first = next(iter(found.values()))[0]
    if not are_images(first.arrays["shown_teacher"]):
        return []
    heads = [f"{sigma:.2f}" for sigma in first.arrays["sigmas"]]
    rows = []
    for noise in range(first.arrays["shown_teacher"].shape[1]):
        rows.append((f"teacher, noise {noise + 1}", first.arrays["shown_teacher"][:, noise]))
        rows += [
            (name, seeds[0].arrays["shown_student"][:, noise]) for name, seeds in found.items()
        ]
    png, svg = strips("Around one noise, by σ", rows, heads=heads)
    return [
        Drawing(
            "neighbourhoods",
            "Neighbourhoods",
            "What becomes of three noises as they are perturbed more and more (the paper’s Figs. 3 and 10 to "
            "12): the teacher’s samples, and below them the student’s from the same noise.",
            f"Samples of three noises at {len(heads)} strengths of perturbation, teacher above student.",
            png,
            svg,
        )
    ]


@drawn
def _curves(found: Found) -> Figure:
    labels = [legend_label(name, 5.6) for name in found]
    figure = new_figure(5.6, 3.4)
    headline(figure, "Distance from the unperturbed sample")
    axes = figure.subplots()
    first = next(iter(found.values()))[0]
    for place, (label, seeds) in enumerate(zip(labels, found.values(), strict=True)):
        _curve(axes, seeds, label, line_style(place))
    axes.plot(
        first.arrays["sigmas"],
        first.arrays["teacher"],
        color=INK,
        linestyle="--",
        linewidth=1.4,
        label="teacher",
    )
    axes.set_xlabel("σ, in standard deviations of the noise")
    axes.set_ylabel("distance over unrelated samples’")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    legend_below(figure, [*labels, "teacher"])
    return figure


def _curve(axes: Axes, seeds: Sequence[Findings], label: str, style: dict[str, Any]) -> None:
    """The mean over seeds with its 95 % interval; the lines of one seed have none."""
    sigmas = seeds[0].arrays["sigmas"]
    values = np.stack([each.arrays["student"] for each in seeds])
    axes.plot(sigmas, values.mean(axis=0), label=label, **style)
    if len(seeds) > 1:
        ends = np.array([over_seeds(column)[1] for column in values.T])
        axes.fill_between(
            sigmas, ends[:, 0], ends[:, 1], color=style["color"], alpha=0.15, linewidth=0
        )
