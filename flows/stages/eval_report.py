"""Stage `eval-report`: the recipe's page, its numbers, and the overview of the whole home."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flows.documents.history import read_events, record_evaluations
from flows.documents.measured import read_metrics
from flows.documents.numbers import entry, settings_of
from flows.documents.overview import changes_for_the_worse, write_overview
from flows.documents.pages import is_whole, write_page
from flows.documents.remembered_runs import remembered
from flows.stage import Run, StageResult
from flows.stages.evaluate import evaluate
from kdm.evaluate.evaluate import meanings_of
from kdm.report.seeds import by_seeds
from storage.digest import digest_of, seal

STAGE = "eval-report"
# Raised when the page changes, so that old pages are rewritten.
VERSION = 4


def eval_report(run: Run, judged: StageResult, students: Sequence[StageResult]) -> StageResult:
    """Write the report unless it is current, then the overview of the home.

    It covers every student of the recipe that was ever trained here, `students` among them.
    """
    known = {student.name: student for student in (*remembered(run), *students)}
    evaluated = [evaluate(run, judged, student) for student in known.values()]
    (run.home / "reports").sweep()
    folder = run.report_folder()
    identity = _report_identity(run, evaluated)
    result = StageResult(STAGE, folder.name, folder.url, identity, "cached")
    standing = read_metrics(folder)
    is_current = standing is not None and standing["identity"] == identity
    if is_current and is_whole(folder, "report.html"):
        if not is_whole(run.home / "reports", "overview.html"):
            write_overview(run.home, (run,))
        return replace(result, facts=standing or {})
    # torch and matplotlib: a run whose report is current does not wait for them.
    from flows.documents.content import report_content
    from kdm.report.page import render_report

    run.begin(folder, "a report")
    record_evaluations(run, evaluated)
    events = read_events(run.home)
    worse = changes_for_the_worse(run, evaluated, events)
    sentences = tuple(change.sentence for change in worse)
    content = replace(report_content(run, judged, evaluated), worse=sentences)
    page = render_report(content, meanings_of(run.recipe.evaluation.metrics))
    write_page(folder, "report.html", page)
    write_overview(run.home, (run,), events)
    document = _document(run, identity, evaluated)
    if worse:
        document["worse"] = [change.document() for change in worse]
    # Last: it says that all of the above is done.
    folder.replace("metrics.json", seal(document))
    for sentence in sentences:
        run.say(sentence)
    return replace(result, state="done", facts=document)


def _report_identity(run: Run, evaluated: Sequence[StageResult]) -> str:
    """The digest of all that the report's numbers depend on."""
    return digest_of(
        {
            "version": VERSION,
            "recipe": run.recipe.digest(),
            "students": [student.digest for student in evaluated],
        }
    )


def _document(run: Run, identity: str, evaluated: Sequence[StageResult]) -> dict[str, Any]:
    names = [student.facts["student"] for student in evaluated]
    return {
        "identity": identity,
        "recipe": run.recipe.name,
        "recipe_digest": run.recipe.digest(),
        "floor": dict(evaluated[0].facts["floor"]),
        "students": {
            name: _measured(student) for name, student in zip(names, evaluated, strict=True)
        },
        **_seeds(run, evaluated),
    }


def _measured(student: StageResult) -> dict[str, Any]:
    document = {"digest": student.facts["student_digest"], "values": student.facts["values"]}
    return document | {key: student.facts[key] for key in ("intervals",) if key in student.facts}


def _seeds(run: Run, evaluated: Sequence[StageResult]) -> dict[str, Any]:
    """The rows of students that differ only in their seeds, if there are any."""
    facts = [student.facts for student in evaluated]
    rows = by_seeds([entry(each, settings_of(run, each["student"])) for each in facts])
    found = {
        row.name: {"values": dict(row.values), "intervals": dict(row.intervals), "of": row.note}
        for row in rows
        if row.by_seed
    }
    return {"seeds": found} if found else {}
