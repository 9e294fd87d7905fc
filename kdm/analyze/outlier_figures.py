"""Figures of outliers (arXiv 2505.13358, Figs. 5c and 13).

ROC curves show how well each score predicts them; a map shows the noise they came from.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kdm.analyze.analysis import Drawing, Findings, Found
from kdm.analyze.lettering import in_lines, literal
from kdm.analyze.outlier_trace import outlier_trace_figure
from kdm.analyze.panels import panels
from kdm.analyze.picture import LINE_COLOURS, TITLE_POINTS, drawn
from kdm.metrics.over_seeds import over_seeds

_SCORES = {
    "steepness": "steepness of the student",
    "border": "nearness of a border",
    "tail": "tail, ‖x_T‖",
}


def roc_curves(found: Found) -> list[Drawing]:
    """A panel a point, a curve a score and seed; [] if no student has outliers."""
    drawable = {
        name: [each for each in seeds if "true_tail" in each.arrays]
        for name, seeds in found.items()
    }
    drawable = {name: seeds for name, seeds in drawable.items() if seeds}
    if not drawable:
        return []
    png, svg = _curves(drawable)
    return [
        Drawing(
            "roc",
            "What tells outliers from the rest",
            "Share of outliers found over the share of other samples that are marked with them, "
            "for three scores "
            "of the noise; a line a seed. The diagonal is chance. Steepness needs the student "
            "alone: it marks "
            "samples near a decision boundary.",
            "ROC curves of steepness, nearness of a border and length of the noise for each "
            "student’s outliers.",
            png,
            svg,
        )
    ]


def traces(found: Found) -> list[Drawing]:
    """Outliers of the teacher and of each point's first seed, on the data and on the noise; points only."""
    drawings = []
    first = next(iter(found.values()))[0]
    if "x_T" not in first.arrays:
        return []
    sides = [("teacher", "teacher", first)]
    sides += [(name, "student", seeds[0]) for name, seeds in found.items()]
    for place, (name, who, each) in enumerate(sides):
        is_outlier = each.arrays[f"outlier_{who}"]
        png, svg = drawn(outlier_trace_figure)(
            each.arrays["x_T"], each.arrays[f"x_0_{who}"], is_outlier=is_outlier, title=name
        )
        drawings.append(
            Drawing(
                f"trace-{place}",
                f"Outliers of {name}",
                "Samples outside every dark square (crosses) and the noise that they came from: its tails, "
                "outside the dashed circle of two standard deviations, or borders between its pieces.",
                f"{name}: {int(is_outlier.sum())} of {len(is_outlier):,} samples are outliers.",
                png,
                svg,
            )
        )
    return drawings


@drawn
def _curves(found: dict[str, list[Findings]]) -> Figure:
    figure, every = panels("Which score finds the outliers", len(found), width=3.3, height=3.3)
    for axes, (name, seeds) in zip(every, found.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="#9aa5b1", linewidth=0.8, linestyle="--")
        for place, (score, words) in enumerate(_SCORES.items()):
            drawn_seeds = [each for each in seeds if f"true_{score}" in each.arrays]
            for number, each in enumerate(drawn_seeds):
                axes.plot(
                    each.arrays[f"false_{score}"],
                    each.arrays[f"true_{score}"],
                    color=LINE_COLOURS[place],
                    linewidth=1.1,
                    alpha=0.9 if number == 0 else 0.4,
                    label=f"{words}: AUC {_area(drawn_seeds, score)}" if number == 0 else None,
                )
        axes.set_title(literal(in_lines(name, 3.0, TITLE_POINTS)))
        axes.set_xlabel("other samples marked")
        axes.set_ylabel("outliers found")
        axes.legend(
            loc="lower right", fontsize=6.2, frameon=True, framealpha=0.85, edgecolor="none"
        )
    return figure


def _area(seeds: Sequence[Findings], score: str) -> str:
    """The mean over seeds with its interval; of one seed with the interval over samples."""
    values = [each.numbers[f"auc_{score}"] for each in seeds]
    low, high = seeds[0].intervals[f"auc_{score}"]
    if len(values) > 1:
        _, (low, high) = over_seeds(values)
    return f"{np.mean(values):.2f} ({low:.2f} … {min(high, 1.0):.2f})"
