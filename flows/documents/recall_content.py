"""The page of planted copies, from what filters found of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kdm.analyze.analysis import Drawing
from kdm.analyze.recall_figures import Bar, Curve, recall_figure, roc_figure
from kdm.report.recall_page import RecallPage, share_cell
from kdm.report.tables import Cell, Row
from pairgen.filters.share import Share
from pairgen.planted.recall import CONTROL, TOGETHER, Found, Recall

_TRANSFORMS = "Only the transforms of this table were tried; another one may hide a copy."
_HELD_OUT = (
    "False positives are counted on real pictures that no teacher saw. If the data have duplicates across "
    "their splits, as CIFAR-10 has, some of these are true ones."
)
_LEFT_OUT = (
    "False positives are counted on pictures of the reference, each judged against the others, which is the "
    "weaker way: where pictures of one set are alike, thresholds are too low and copies pass."
)
_NO_PROMISE = (
    "Dropping copies lowers the chance that single training pictures are reproduced. It isn't anonymisation, "
    "and it isn't differential privacy."
)


class Tried(NamedTuple):
    """What the filters were tried on."""

    name: str  # of the set
    num_planted: int  # of each transform
    num_reference: int
    num_calibrating: int
    leaves_one_out: bool  # real pictures are of the reference, each judged against the others
    seed: int
    command: str
    settings: Mapping[str, str]  # a filter's options, by its name


def recall_page(recall: Recall, tried: Tried) -> RecallPage:
    """All that the page says."""
    found = recall.found
    transforms = list(found[0].recall)
    real = "real pictures that no teacher saw"
    if tried.leaves_one_out:
        real = "pictures of the reference, each judged against the others (leave-one-out)"
    return RecallPage(
        title=f"Planted copies in {tried.name}",
        about=(
            f"{tried.num_planted:,} of {tried.num_reference:,} real pictures were planted under each "
            f"transform (seed {tried.seed}). Thresholds that aren't stated come from "
            f"{tried.num_calibrating:,} {real}; mistakes are counted on others.",
        ),
        columns=tuple(each.name for each in found),
        mistakes=(
            _row(
                "real pictures, left out" if tried.leaves_one_out else "real pictures, held out",
                [each.false_positives for each in found],
            ),
            _row("the set's own pairs", [each.pairs for each in found]),
            Row("area under the ROC curve", tuple(_area(each) for each in found)),
        ),
        found=tuple(_row(name, [each.recall[name] for each in found]) for name in transforms),
        filters=tuple(
            (each.name, f"{tried.settings[each.name]}, threshold {each.threshold:.6g}")
            for each in found
            if each.threshold is not None
        ),
        drawings=_drawings(recall),
        limits=(_TRANSFORMS, _LEFT_OUT if tried.leaves_one_out else _HELD_OUT, _NO_PROMISE),
        command=tried.command,
    )


def _row(name: str, shares: Sequence[Share]) -> Row:
    return Row(name, tuple(share_cell(each.count, each.of, each.interval) for each in shares))


def _area(found: Found) -> Cell:
    if found.area is None:
        return Cell("–")
    return Cell(f"{found.area.value:.3f}", f"{found.area.low:.3f} … {found.area.high:.3f}")


def _drawings(recall: Recall) -> tuple[Drawing, ...]:
    curves = [
        Curve(f"{each.name}: area {each.area.value:.3f}", *each.curve)
        for each in recall.found
        if each.curve is not None and each.area is not None
    ]
    (together,) = (each for each in recall.found if each.name == TOGETHER)
    bars = {name: Bar(share.value, *share.interval) for name, share in together.recall.items()}
    lines, dots = roc_figure(curves, rate=recall.fpr), recall_figure(bars)
    median = 100 * float(np.median([bar.value for bar in bars.values()]))
    worst = min(bars, key=lambda name: bars[name].value)
    return (
        Drawing(
            "recall",
            "Found by transform",
            "The share of planted copies that at least one filter drops, with exact 95% intervals.",
            f"Found by all filters together: {median:.0f}% of the median transform, "
            f"{100 * bars[worst].value:.0f}% of {worst}.",
            dots.png,
            dots.svg,
        ),
        Drawing(
            "roc",
            "ROC curves",
            "All planted copies against the held-out half that measures; the dotted line is the rate that "
            "was asked for. The control's scores are random.",
            "ROC curves: " + ", ".join(curve.label for curve in curves),
            lines.png,
            lines.svg,
        ),
    )


def lines_of(recall: Recall) -> list[list[str]]:
    """The table for a terminal: a transform a line, false positives first; without the control."""
    shown = [each for each in recall.found if each.name != CONTROL]
    head = ["", *(each.name for each in shown)]
    rows = [["false positives", *(_percent(each.false_positives) for each in shown)]]
    rows += [[name, *(_percent(each.recall[name]) for each in shown)] for name in shown[0].recall]
    return [head, *rows]


def _percent(share: Share) -> str:
    return f"{100 * share.value:.1f}%" if share.of else "–"
