"""An audit as a page, as Markdown and in sentences, all made of its public document alone.

A page has no date: equal numbers give an equal page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdm.metrics.bootstrap import Estimate
from kdm.privacy.subjects import CONTROL, KEPT_PAIRS, PAIRS, STUDENT, TITLES
from kdm.report.content import Picture
from kdm.report.markdown import inline
from kdm.report.tables import number
from kdm.report.template import render

SIGNIFICANT = 0.01  # of the membership test's p-value
_SHOWN = {"0.01": "1%", "0.05": "5%", "0.5": "half"}
Document = Mapping[str, Any]

PROMISES = (
    "This is neither anonymisation nor differential privacy: a single sample may reveal a person although "
    "every number looks as expected.",
    "A test that isn’t significant has found nothing; it doesn’t show that there is nothing to find. Attacks "
    "that use more than distances may still tell who was trained on.",
    "Distances are between pixels or coordinates, of the sample and its mirror image. Shifted, cropped, "
    "rotated or recoloured copies look far away.",
    "Reports on similarity leak. Each distance and curve here stands for at least 20 samples, but two audits "
    "of training sets that differ in one sample can be compared.",
)
MEANINGS = {
    "distance": "root mean square difference to the nearest training sample (pictures, −1 … 1, also "
    "mirrored) that this share of the samples is below; the mean of the twenty samples around that place",
    "very near": "share of samples that are nearer to a training sample than 99% of held-out real samples "
    "are, with its 95% interval; 1% is expected without copying",
    "closer": "share of samples that are closer to the training set than to as many held-out real samples, "
    "with its 95% interval; 50% are expected without copying",
    "copying, C_T": "the data-copying test of Meehan et al. (2020): below −3, samples are closer to the "
    "training set than held-out real ones are; above 3, they are farther from it",
    "membership": "Δ is MMD² to held-out real samples less MMD² to training samples, with its 95% interval; "
    "p is the chance of as large a Δ if samples told nothing of who was trained on (permutations)",
}


class Cells(NamedTuple):
    """A row of the table as text."""

    title: str
    is_control: bool
    num_samples: str
    quantiles: tuple[str, ...]
    near: tuple[str, str]  # a number, and its interval
    closer: tuple[str, str]
    copying: str
    p_value: str
    difference: str  # Δ
    interval: str


def render_audit(document: Document, *, command: str) -> str:
    """The page as one string of HTML."""
    fields = {
        "document": document,
        "findings": findings(document),
        "quantiles": _quantile_names(document),
        "rows": _table(document),
        "pictures": _pictures(document),
        "duplicates": _duplicates(document),
        "meanings": MEANINGS,
        "promises": PROMISES,
        "command": command,
    }
    return render("audit.html.j2", fields)


def markdown_audit(document: Document, *, command: str) -> str:
    """The same as Markdown, without pictures."""
    heads = [
        "",
        "samples",
        *_heads(document),
        "very near",
        "closer",
        "copying, C_T",
        "membership, p",
        "Δ",
    ]
    lines = [
        f"| {' | '.join(map(inline, heads))} |",
        "|---|" + (len(heads) - 1) * "---:|",
    ]
    for row in _table(document):
        cells = [
            row.title,
            row.num_samples,
            *row.quantiles,
            " ".join(row.near),
            " ".join(row.closer),
        ]
        cells += [row.copying, row.p_value, f"{row.difference} {row.interval}"]
        lines.append(f"| {' | '.join(map(inline, cells))} |")
    parts = [
        [f"# What {inline(document['student'])} tells of its training set"],
        [f"- {inline(each)}" for each in findings(document)],
        lines,
        [f"- {name}: {inline(words)}." for name, words in MEANINGS.items()],
        ["## What this doesn’t promise"],
        [f"- {inline(each)}" for each in PROMISES],
        [f"```sh\n{command}\n```"],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def findings(document: Document) -> list[str]:
    """What stands out, a sentence each."""
    student, control = (document["rows"][name] for name in (STUDENT, CONTROL))
    sentences = [_near_words(student, control)] if student["near"] and control["near"] else []
    if student["closer"] and control["closer"]:
        sentences.append(_closer_words(student, control))
    sentences.append(_membership_words(document))
    sentences += [_duplicate_words(document)] if student["duplicates"] else []
    pairs, kept = (document["rows"].get(name) for name in (PAIRS, KEPT_PAIRS))
    if pairs and pairs["near"]:
        after = f", after the filter {_interval(kept['near'])}" if kept and kept["near"] else ""
        near = _interval(pairs["near"])
        sentences.append(
            f"Of the teacher’s pairs {near} are that near to a training sample{after}."
        )
    return sentences


def _near_words(student: Document, control: Document) -> str:
    near = student["near"]
    return (
        f"Of the student’s {student['num_samples']:,} samples {_interval(near)} are nearer to a training "
        f"sample than 99% of held-out real samples are, {_against(near, control['near'])}."
    )


def _closer_words(student: Document, control: Document) -> str:
    return (
        f"Of the student’s samples {_interval(student['closer'])} are closer to the training set than to as "
        f"many held-out real samples, {_against(student['closer'], control['closer'])}."
    )


def _against(share: Document, control: Document) -> str:
    """Whether a share is above the control's, by intervals that don't meet."""
    verdict = "more" if share["low"] > control["high"] else "no more"
    return f"{verdict} than chance explains (of held-out real ones themselves {_interval(control)})"


def _membership_words(document: Document) -> str:
    test, control = document["rows"][STUDENT]["membership"], document["membership_control"]
    verdict = "is" if test["p_value"] < SIGNIFICANT else "isn’t"
    words = (
        f"The membership test {verdict} significant (p = {number(test['p_value'])}; its control, which has "
        f"no members, p = {number(control['p_value'])})."
    )
    if control["p_value"] < SIGNIFICANT:
        words += " The control is significant by chance alone, so read the test with care."
    return words


def _duplicate_words(document: Document) -> str:
    found, real = (document["rows"][name]["duplicates"] for name in (STUDENT, CONTROL))
    if not found["num"]:
        return "No two of the student’s samples are near-duplicates."
    clusters = "1 cluster" if found["num"] == 1 else f"{found['num']:,} clusters"
    return (
        f"{found['share']:.2%} of the student’s samples are in {clusters} of near-duplicates, "
        f"the largest of {found['largest']:,}; of held-out real samples {real['share']:.2%} are."
    )


def _table(document: Document) -> list[Cells]:
    rows = [_cells(name, row, document) for name, row in document["rows"].items()]
    return sorted(rows, key=lambda row: not row.is_control)


def _cells(name: str, row: Document, document: Document) -> Cells:
    test = document["membership_control"] if name == CONTROL else row["membership"]
    copying = row["copying"]
    return Cells(
        title=TITLES[name],
        is_control=name == CONTROL,
        num_samples=f"{row['num_samples']:,}",
        quantiles=tuple(
            number(row["quantiles"][each]) if each in row["quantiles"] else "–"
            for each in _quantile_names(document)
        ),
        near=_with_ends(row["near"]),
        closer=_with_ends(row["closer"]),
        copying="–" if copying is None else number(copying["value"]),
        p_value=number(test["p_value"]),
        difference=f"Δ {number(test['value'])}",
        interval=f"({number(test['low'])} … {number(test['high'])})",
    )


def _quantile_names(document: Document) -> dict[str, str]:
    """Which quantiles any row has, of those that are shown."""
    there = {each for row in document["rows"].values() for each in row["quantiles"]}
    return {each: words for each, words in _SHOWN.items() if each in there}


def _heads(document: Document) -> list[str]:
    return [f"distance, {words}" for words in _quantile_names(document).values()]


def _duplicates(document: Document) -> list[tuple[str, Document]]:
    rows = document["rows"].items()
    return [(TITLES[name], row["duplicates"]) for name, row in rows if row["duplicates"]]


def _pictures(document: Document) -> Sequence[Picture]:
    """Curves of distances, and shares; each is left out if no row has enough samples for it."""
    from kdm.analyze.audit_pictures import distance_curves, share_chart  # matplotlib

    rows = document["rows"]
    bins = {TITLES[name]: row["histogram"] for name, row in rows.items() if row["histogram"]}
    shares = {
        TITLES[name]: Estimate(row["closer"]["share"], row["closer"]["low"], row["closer"]["high"])
        for name, row in rows.items()
        if row["closer"]
    }
    found = []
    if bins:
        png = distance_curves("Distance to the training set", bins, reference=TITLES[CONTROL])
        half = {TITLES[name]: row["quantiles"].get("0.5") for name, row in rows.items()}
        said = "; ".join(
            f"{name} {number(each)}" for name, each in half.items() if each is not None
        )
        found.append(
            Picture(
                png,
                f"Share of samples nearer to the training set than a distance; half of: {said}.",
            )
        )
    if shares:
        said = "; ".join(f"{name} {each.value:.1%}" for name, each in shares.items())
        found.append(
            Picture(
                share_chart("Closer to the training set than to held-out samples", shares),
                f"Share closer to the training set, with 95% intervals: {said}.",
            )
        )
    return found


def _with_ends(share: Document | None) -> tuple[str, str]:
    return (f"{share['share']:.1%}", _ends(share)) if share else ("–", "")


def _interval(share: Document) -> str:
    return f"{share['share']:.1%} {_ends(share)}"


def _ends(share: Document) -> str:
    return f"({share['low']:.1%} … {share['high']:.1%})"
