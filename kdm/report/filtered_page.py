"""What filters dropped of a set, as a page and as lines for a terminal, made of public numbers alone.

A page has no date, no picture of a sample and no score of a single pair: it may be shown.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdm.report.content import Picture
from kdm.report.recall_page import share_cell
from kdm.report.tables import Cell, Row, number
from kdm.report.template import render

Document = Mapping[str, Any]
LIMITS = (
    "Dropping copies lowers the chance that single training samples are reproduced. It isn’t anonymisation, "
    "and it isn’t differential privacy.",
    "A filter finds what its score can see. What it doesn’t find isn’t listed here.",
    "Dropped pairs are still in the shards until they are purged.",
    "Reports on similarity leak. Each step of a curve stands for at least 20 samples, but two pages of data "
    "sets that differ in one sample can be compared. A calibrated threshold is the exact score of "
    "one real sample.",
)


class Curves(NamedTuple):
    """ROC curves of planted copies: as they were drawn, or the command that draws them."""

    pictures: Sequence[tuple[str, str]] = ()  # SVGs as addresses, with words for who can't see them
    page: str = ""  # the address of the trial's own page, relative to this one
    command: str = ""


def render_filtered(document: Document, *, curves: Curves, command: str) -> str:
    """The page as one string of HTML."""
    splits = document["splits"]
    fields = {
        "document": document,
        "attempted": sum(each["attempted"] for each in splits),
        "kept": sum(each["kept"] for each in splits),
        "masked": sum(each["masked"] for each in splits),
        "policy": policy_words(document),
        "dropped": dropped_rows(document),
        "classes": [
            Row(f"class {label}", (Cell(f"{judged:,}"), _cell(dropped, judged)))
            for label, judged, dropped in document["classes"]
        ],
        "mistakes": _mistakes(document),
        "pictures": _pictures(document),
        "filters": [(each["name"], _settings(each)) for each in document["filters"]],
        "curves": curves,
        "limits": LIMITS,
        "command": command,
    }
    return render("filtered.html.j2", fields)


def dropped_rows(document: Document) -> list[Row]:
    """How many pairs of each split each filter drops, by reason; then what adds up to all of them."""
    splits = document["splits"]
    rows = []
    for each in document["filters"]:
        plugin, dropped = each["settings"]["plugin"], each["dropped"]
        reasons = sorted({reason for of in splits for reason in dropped[of["split"]]}) or [plugin]
        for reason in reasons:
            label = each["name"] if reason == plugin else f"{each['name']}: {reason}"
            cells = [_cell(dropped[of["split"]].get(reason, 0), of["attempted"]) for of in splits]
            rows.append(Row(label, tuple(cells)))
    counts = {"dropped, at least one reason": [of["masked"] for of in splits]}
    for reason in sorted({reason for of in splits for reason in of["unstored"]}):
        counts[f"not stored: {reason}"] = [of["unstored"].get(reason, 0) for of in splits]
    counts["kept"] = [of["kept"] for of in splits]
    sizes = [of["attempted"] for of in splits]
    rows += [Row(name, tuple(map(_cell, each, sizes))) for name, each in counts.items()]
    rows.append(Row("all", tuple(Cell(f"{size:,}") for size in sizes), True))
    return rows


def dropped_lines(document: Document) -> list[list[str]]:
    """The same table for a terminal."""
    rows = [[row.name, *(cell.line for cell in row.cells)] for row in dropped_rows(document)]
    return [["reason", *(of["split"] for of in document["splits"])], *rows]


def policy_words(document: Document) -> str:
    """Which filters judged, and at which rate."""
    filters = document["filters"]
    names = ", ".join(each["name"] for each in filters)
    if document["policy"]:
        names = f"the policy ‘{document['policy']}’ ({names})"
    rates = {each["joint_fpr"] for each in filters if each["joint_fpr"] is not None}
    if rates:
        return f"{names}; together they may drop {100 * rates.pop():g}% of real samples"
    if len(filters) == 1 and filters[0]["fpr"] is not None:
        return f"{names}; it may drop {100 * filters[0]['fpr']:g}% of real samples"
    return names


def _cell(count: int, of: int) -> Cell:
    return Cell(f"{count:,}", f"{100 * count / of:.2f}%" if of else "")


def _mistakes(document: Document) -> list[Row]:
    """Stated and measured false-positive rates of each filter, and of all together."""
    filters = document["filters"]
    rows = [
        Row(each["name"], (_rate(each["fpr"]), _measured(each["mistakes"]), Cell("–")))
        for each in filters
        if each["mistakes"]
    ]
    if not rows:
        return []
    joint = {each["joint_fpr"] for each in filters if each["joint_fpr"] is not None}
    stated = _rate(joint.pop() if joint else filters[0]["fpr"] if len(filters) == 1 else None)
    measured = [document["mistakes"], document["mistakes_on_others"]]
    joint_cells = (stated, *map(_measured, measured))
    if len(filters) == 1:
        return [Row(rows[0].name, joint_cells)]
    return [*rows, Row("all together", joint_cells, True)]


def _rate(rate: float | None) -> Cell:
    return Cell("not stated" if rate is None else f"{100 * rate:.3g}%")


def _measured(share: Document | None) -> Cell:
    if share is None:
        return Cell("–")
    cell = share_cell(share["count"], share["of"], (share["low"], share["high"]))
    return Cell(f"{cell.text} of {share['of']:,}", cell.note)


def _settings(found: Document) -> str:
    settings = json.dumps(found["settings"], sort_keys=True, ensure_ascii=False)
    digests = f"score {found['score'][:12]}, decision {found['decision'][:12]}"
    return f"{settings}, threshold {found['threshold']:.6g}, {digests}"


def _pictures(document: Document) -> Sequence[Picture]:
    """A curve for each filter whose scores have steps."""
    from kdm.analyze.dropped_curves import REAL, dropped_curves  # matplotlib

    found = []
    for each in document["filters"]:
        curves = {}
        if each["real_steps"]:
            curves[REAL] = (each["real_steps"], each["num_real"])
        if each["steps"]:
            curves["the set’s pairs"] = (each["steps"], each["num_pairs"])
        if not curves:
            continue
        png = dropped_curves(each["name"], curves, threshold=each["threshold"])
        dropped = sum(sum(reasons.values()) for reasons in each["dropped"].values())
        words = (
            f"{each['name']}: share dropped over the threshold; at {number(each['threshold'])} it drops "
            f"{dropped:,} of {each['num_pairs']:,} pairs."
        )
        found.append(Picture(png, words))
    return found
