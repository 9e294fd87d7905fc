"""`kdm study NAME --on DATA`: runs a study side by side, or shows its points."""

import typer

from flows.commands.study_board import Board
from flows.study.made_trial import MadeTrial, found_trial, make_trial
from flows.study.planning import StudyRequest, planned
from flows.study.prepared import prepare
from flows.study.results import NUMBERS, write_results
from flows.study.side_by_side import run_side_by_side
from flows.study.trials import Plan, Trial
from flows.table import aligned, many, say_document
from flows.terminal import Terminal, clock
from pairgen.cores import num_cores
from storage.digest import unseal

_POINT = ("point", "seed", "student", "state")


def run_study(request: StudyRequest, *, as_json: bool) -> None:
    """Make what is missing of a study, then its page."""
    plan = planned(request)
    jobs = request.jobs or num_cores()
    with Terminal() as terminal:
        prepare(plan, terminal)
        missing = [trial for trial in plan.trials if _found(plan, trial) is None]
        board = Board(plan, len(plan.trials) - len(missing), missing, jobs, terminal)
        board.show()
        run_side_by_side(plan, missing, num_jobs=jobs, on_message=board.hear)
        made = [_whole(plan, trial) for trial in plan.trials]
        folder = write_results(plan, made)
    if as_json:
        numbers = unseal(folder.read(NUMBERS), folder.url)
        say_document({"page": f"{folder.url}/index.html", **numbers})
        return
    typer.echo(f"\n{(folder.read('table.md')).decode().rstrip()}\n")
    typer.echo(f"page: {folder.url}/index.html")


def show_points(request: StudyRequest, *, as_json: bool) -> None:
    """Print the points, which of them are there, and how long the others take."""
    plan = planned(request)
    points, num_missing = [], 0
    for trial in plan.trials:
        found = _found(plan, trial)
        num_missing += found is None
        name = trial.recipe.students[0].name if found is None else found.student.name
        points.append((trial.point.name, trial.seed, name, _state(plan, trial, found)))
    jobs, seconds = request.jobs or num_cores(), plan.study.on[plan.data].seconds
    if as_json:
        say_document(
            {
                "study": plan.study.name,
                "data": plan.data,
                "points": [dict(zip(_POINT, each, strict=True)) for each in points],
                "missing": num_missing,
                "cpu_seconds_each": seconds,
                "jobs": jobs,
            }
        )
        return
    typer.echo(aligned([[*_POINT], *([str(cell) for cell in each] for each in points)]))
    typer.echo(f"\n{len(points) - num_missing} of {many(len(points), 'student')} are there")
    if num_missing:
        typer.echo(_time(num_missing, seconds, jobs))


def _state(plan: Plan, trial: Trial, found: MadeTrial | None) -> str:
    """Whether the student is there, and what was found of it."""
    if found is not None:
        return "cached"
    is_measured = plan.analysis is not None and found_trial(trial.run(plan.home), None) is not None
    return "to be analysed" if is_measured else "to do"


def _time(count: int, seconds: float | None, jobs: int) -> str:
    if seconds is None:
        return "how long a student takes isn't known before one is there"
    wall = seconds * count / min(jobs, count)
    return (
        f"about {clock(wall)} for the others on {many(jobs, 'core')}, {seconds:.0f} CPU seconds "
        "each; teacher and pairs, "
        "if they are missing, come on top"
    )


def _found(plan: Plan, trial: Trial) -> MadeTrial | None:
    return found_trial(trial.run(plan.home, device=plan.device), plan.analysis)


def _whole(plan: Plan, trial: Trial) -> MadeTrial:
    """A trial whose child has ended; what was removed meanwhile is made again here."""
    return _found(plan, trial) or make_trial(
        trial.run(plan.home, device=plan.device), plan.analysis
    )
