"""From the students of one set to its leaderboard (kdm/report/leaderboard.py)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flows.documents.number_columns import columns_of
from flows.documents.remembered_runs import known_runs
from flows.documents.reproduction import reproduction
from flows.documents.student_costs import Counts
from flows.documents.student_rows import standings_of, teacher_standing
from flows.documents.trained_on import Trained, trained_on
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.report.leaderboard import Leaderboard
from storage.folders import Folder
from storage.options import parse


def leaderboard(home: Folder, pairs: Folder, by: str, counts: Counts) -> Leaderboard:
    """All students of the home that were trained on these pairs; nothing is measured or trained.

    Raises a ValueError if there are none, or if no student has the number `by`.
    """
    students, faults = trained_on(home, pairs.name)
    if not students:
        raise ValueError(
            f"{home.url} has no student of {pairs.name}; 'kdm distill RECIPE' trains one, and "
            "'kdm ls' lists what there is"
        )
    measured, unread = _readable([each for each in students if each.is_measured])
    columns = columns_of([each.metrics for each in measured])
    return Leaderboard(
        pairs=pairs.name,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        standings=tuple(standings_of(measured, columns, counts)),
        teacher=teacher_standing(measured, columns, pairs),
        meanings=columns.meanings,
        counts=columns.counts,
        by=columns.chosen(by),
        unmeasured=tuple(_unmeasured(home, [each for each in students if not each.is_measured])),
        notes=(*columns.notes, *faults, *unread, *_machines(measured)),
    )


def _readable(measured: Sequence[Trained]) -> tuple[list[Trained], list[str]]:
    """Those whose metrics this installation knows, and a sentence for each other one."""
    known, unread = [], []
    for student in measured:
        try:
            parse(EvaluationOptions, student.metrics["options"], "its evaluation")
        except ValueError as error:
            unread.append(f"{student.name} is left out: {error}.")
        else:
            known.append(student)
    return known, unread


def _unmeasured(home: Folder, students: Sequence[Trained]) -> list[tuple[str, str]]:
    """Each with the command that measures it."""
    if not students:
        return []
    commands: dict[str, str] = {}
    for known in known_runs(home):
        for result in known.students:
            name = result.facts["student"]
            line = reproduction(known.run, [name], command="evaluate").line
            commands.setdefault(result.place.name, line)
    usual = "no run of this home knows it; 'kdm evaluate RECIPE' measures the students of a recipe"
    return [(each.name, commands.get(each.folder.name, usual)) for each in students]


def _machines(measured: Sequence[Trained]) -> list[str]:
    machines = {
        each.timings["sampling"]["machine"] for each in measured if "sampling" in each.timings
    }
    if len(machines) < 2:
        return []
    return [
        f"Milliseconds a sample are of {len(machines)} machines, which don't compare: "
        f"{'; '.join(sorted(machines))}."
    ]
