"""What an analysis found of a student, kept at analyses/DIGEST.npz of the home.

The digest is of the student's weights, the pairs, masks and options that it is measured with, and of the
analysis with its version: the same question is asked once, by whichever study. The folder may be
deleted at any time.
"""

from functools import partial

from flows.home import ANALYSES
from flows.stage import Run, StageResult
from kdm.analyze.analysis import Analysis, Findings, Subject
from storage.digest import digest_of
from storage.folders import Folder
from storage.plugins import describe

_VERSION = 1  # of what a subject is


def kept_findings(run: Run, evaluated: StageResult, analysis: Analysis) -> Findings | None:
    """What is kept; None if it's missing or damaged."""
    folder, name = _place(run, evaluated, analysis)
    return Findings.read(folder.read(name)) if folder.exists(name) else None


def findings(
    run: Run,
    judged: StageResult,
    evaluated: StageResult,
    analysis: Analysis,
    *,
    teacher: StageResult | None,
) -> Findings:
    """What is kept, or else found now and kept."""
    kept = kept_findings(run, evaluated, analysis)
    if kept is not None:
        return kept
    folder, name = _place(run, evaluated, analysis)
    run.begin(folder, f"analysing {evaluated.name}")
    found = analysis.find(_subject(run, judged, evaluated, analysis, teacher))
    folder.replace(name, found.packed())
    return found


def _place(run: Run, evaluated: StageResult, analysis: Analysis) -> tuple[Folder, str]:
    identity = {"version": _VERSION, "of": evaluated.digest, "analysis": describe(analysis)}
    return run.home / ANALYSES, f"{digest_of(identity)}.npz"


def _subject(
    run: Run,
    judged: StageResult,
    evaluated: StageResult,
    analysis: Analysis,
    teacher: StageResult | None,
) -> Subject:
    # torch and matplotlib: a study whose findings are kept waits for neither.
    import torch

    from flows.documents.evaluated_samples import placed_student, teacher_samples
    from flows.study.teacher_map import teacher_map
    from kdm.analyze.cell_colours import cell_number
    from kdm.evaluate.draw import draw_samples, push

    torch.set_num_threads(1)
    known, options = teacher_samples(run, judged, needs=frozenset()), run.recipe.evaluation
    student = placed_student(run, evaluated, known.schema)
    operator = student.operator if "operator" in analysis.needs else None
    needs_teacher = "teacher" in analysis.needs and teacher is not None
    return Subject(
        samples=draw_samples(student, known, options=options),
        noise_scale=known.schema.noise.scale,
        student=partial(push, student, options=options),
        teacher=teacher_map(run, teacher) if needs_teacher and teacher is not None else None,
        regions=cell_number if known.schema.shape == (2,) else None,
        operator=None if operator is None else operator.told().cpu().numpy(),
    )
