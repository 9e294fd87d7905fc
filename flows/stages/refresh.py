"""All reports of a home brought up to date, from what finished runs remembered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from flows.documents.overview import write_overview
from flows.documents.remembered_runs import known_runs
from flows.progress import Reporter, silent, unsaid
from flows.stage import Run, StageResult
from flows.stages.claim import claimed
from flows.stages.eval_report import eval_report
from storage.folders import Folder


@contextmanager
def refreshing(home: Folder, *, say: Callable[[str], None], waits: bool) -> Iterator[None]:
    """Be the only process that refreshes a home; wait for another one, or raise a `HeldError`."""
    what = f"eval-report of {home.url}"
    with claimed(home / "reports", what, is_there=lambda: False, say=say, waits=waits):
        yield


def refresh_home(
    home: Folder,
    report: Reporter = silent,
    *,
    warn: Callable[[str], None] = unsaid,
    say: Callable[[str], None] = unsaid,
) -> list[StageResult]:
    """Evaluate every student at a home without a current report, and rewrite the overview.

    Nothing is trained and no teacher is loaded: it uses what finished runs remembered. A run whose
    samples its metrics cannot measure is left out with a warning.
    """
    known_here = list(known_runs(home, report))
    if not known_here:
        return []  # an empty folder, perhaps of a mistyped name, stays empty
    measurable = [known for known in known_here if _is_measurable(known.run, warn)]
    results = [
        eval_report(replace(known.run, say=say), known.judged, known.students)
        for known in measurable
    ]
    write_overview(home, [known.run for known in measurable])
    return results


def _is_measurable(run: Run, warn: Callable[[str], None]) -> bool:
    try:
        run.recipe.require_measurable()
    except ValueError as error:
        warn(f"recipe '{run.recipe.name}' is left out of the reports: {error}")
        return False
    return True
