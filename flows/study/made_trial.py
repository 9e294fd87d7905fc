"""One trial made or found: its student trained and measured, and what the study's analysis found of it."""

from dataclasses import dataclass, replace

from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from flows.study.findings import findings, kept_findings
from kdm.analyze.analysis import Analysis, Findings


class _MissingError(Exception):
    """Something of a trial isn't there."""


@dataclass(frozen=True)
class MadeTrial:
    """Its measured student, and its findings if the study has an analysis."""

    student: StageResult
    findings: Findings | None


def make_trial(run: Run, analysis: Analysis | None) -> MadeTrial:
    """Make what is missing of a trial."""
    results = {result.stage: result for result in run_stages(run, until="evaluate")}
    student = results["evaluate"]
    if analysis is None:
        return MadeTrial(student, None)
    found = findings(
        run, results["filter-pairs"], student, analysis, teacher=results.get("train-teacher")
    )
    return MadeTrial(student, found)


def found_trial(run: Run, analysis: Analysis | None) -> MadeTrial | None:
    """A trial that is there in full; None, and nothing is made, if anything is missing."""
    try:
        results = run_stages(replace(run, before_work=_refuse), until="evaluate")
    except _MissingError:
        return None
    student = results[-1]
    if analysis is None:
        return MadeTrial(student, None)
    kept = kept_findings(run, student, analysis)
    return None if kept is None else MadeTrial(student, kept)


def _refuse() -> None:
    raise _MissingError
