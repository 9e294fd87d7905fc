"""The overview: every student of a home, with the history of its evaluations.

It is rewritten after each evaluation from the events in `reports/history/`, so it never has to be
merged, and a picture shows whether the number at its head has got better.
"""

from collections.abc import Mapping, Sequence

from kdm.analyze.trend import MOST_TRENDS, Trend, trend_picture
from kdm.metrics.metric import Meaning
from kdm.report.changes import became_worse
from kdm.report.content import EvaluationEvent, Picture
from kdm.report.tables import columns, number
from kdm.report.template import render
from storage.digest import short

# Printed if a student has them; the first that any event has is drawn as well.
KEY_NUMBERS = (
    "same_cell",
    "in_cells",
    "in_cells_fresh",
    "outliers",
    "class_agreement",
    "frechet_over_teachers",
    "fid",
    "fid_infinity",
    "kid",
    "inception_score",
    "fd_features",
    "lpips",
    "paired_mse",
    "paired_over_class_shuffled",
    "sw1_same_noise",
)


def render_overview(
    events: Sequence[EvaluationEvent], meanings: Mapping[str, Meaning], *, made_at: str
) -> str:
    """One row an evaluation, the newest first, and a small picture of the trend.

    `meanings` are those of all metrics that any event has; the table shows the `KEY_NUMBERS` among them.
    """
    newest_first = sorted(events, key=lambda event: (event.when, event.student), reverse=True)
    key = {name: KEY_NUMBERS.index(of) for name in meanings if (of := _number(name)) in KEY_NUMBERS}
    shown = {name: meanings[name] for name in sorted(key, key=key.__getitem__)} or dict(meanings)
    table = [
        (event, [_printed(event.values.get(name), meaning) for name, meaning in shown.items()])
        for event in newest_first
    ]
    fields = {
        "made_at": made_at,
        "columns": columns(shown),
        "table": table,
        "num_students": len({event.digest for event in events}),
        "trend": _trend(newest_first[::-1], shown),
        "protocols": _protocols(newest_first, shown),
        "worse": became_worse(newest_first[::-1], meanings),
    }
    return render("overview.html.j2", fields)


def _printed(value: float | None, meaning: Meaning) -> str:
    """A number as the table shows it: percent for a fraction, '–' if it is missing."""
    if value is None:
        return "–"
    return f"{100 * value:.2f}%" if meaning.is_fraction else number(value)


def _protocols(events: Sequence[EvaluationEvent], shown: Mapping[str, Meaning]) -> dict[str, str]:
    """How the columns that are shown were measured, by the digits in their heads."""
    known = {key: said for event in events for key, said in event.protocols.items()}
    heads = [name.partition("@")[2] for name in shown]
    return {
        key: said
        for key, said in known.items()
        if any(each.startswith(key) for each in heads if each)
    }


def _number(column: str) -> str:
    """The number that a column shows; one per protocol (`kdm.metrics.protocol.column`)."""
    return column.partition("@")[0]


def _trend(events: Sequence[EvaluationEvent], meanings: Mapping[str, Meaning]) -> Picture | None:
    """The picture of the first number that any event has; None without any."""
    for name, meaning in meanings.items():
        trends = _by_training(events, name)
        if trends:
            newest = sorted(trends, key=lambda trend: trend.places[-1])[-MOST_TRENDS:]
            shown = [trend for trend in trends if trend in newest]
            left_out = len(trends) - len(shown)
            words = f"{meaning.label}: {len(shown)} trainings over {len(events)} evaluations"
            return Picture(
                trend_picture(shown, meaning.label, is_fraction=meaning.is_fraction),
                f"{words}; {left_out} earlier trainings are not drawn."
                if left_out
                else f"{words}.",
            )
    return None


def _by_training(events: Sequence[EvaluationEvent], name: str) -> list[Trend]:
    """A line for each training: students of one name with other weights are not joined.

    If a name has several trainings, the line's name gets the first digits of its digest.
    """
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for place, event in enumerate(events, start=1):
        if name in event.values:
            of = (event.student, event.digest)
            points.setdefault(of, []).append((place, event.values[name]))
    names = [student for student, _ in points]
    return [
        Trend(
            student if names.count(student) == 1 else f"{student}-{short(digest)[:6]}",
            [place for place, _ in series],
            [value for _, value in series],
        )
        for (student, digest), series in sorted(points.items())
    ]
