"""From a home's files to what the report page says."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray

from flows.stages.counts import fate_of_split, filter_counts
from flows.stages.filter_pairs import calibration_scores
from flows.stages.measuring import placed_student, teacher_samples
from flows.stages.numbers import entry, judge_of, references, settings_of
from flows.stages.reading import contents, masks_in, open_split
from flows.stages.reproduction import reproduction
from flows.stages.run import Run, StageResult
from flows.stages.timings import read_timings
from kdm.analyze.loss_curves import LossHistory
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.export import load_student
from kdm.report.budgets import Budget
from kdm.report.content import (
    Ancestor,
    Rate,
    ReportContent,
)
from kdm.report.figures import FilterScores, StudentResults, galleries
from storage.any_folder import folder_at
from storage.digest import unseal
from storage.fs import Folder
from storage.masks import read_decision_summary, read_scores
from storage.store import PairStore


def report_content(
    run: Run, judged: StageResult, evaluated: Sequence[StageResult]
) -> ReportContent:
    """All that the page of these students says."""
    torch.set_num_threads(1)  # as its numbers were measured
    teacher = teacher_samples(run, judged, needs=frozenset())
    first = evaluated[0].facts
    made_again = reproduction(run, [student.facts["student"] for student in evaluated])
    return ReportContent(
        title=run.recipe.title,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=made_again.line,
        command_notes=made_again.notes,
        num_heldout=first["num_heldout"],
        num_fresh=first["num_fresh"],
        references=references(first),
        students=tuple(
            entry(student.facts, settings_of(run, student.facts["student"]))
            for student in evaluated
        ),
        galleries=galleries(
            [_results(run, student, teacher) for student in evaluated],
            teacher_losses=_teacher_losses(run, judged),
            filters=_filter_scores(run, judged),
        ),
        teacher=run.recipe.teacher.name if run.recipe.teacher else "teacher",
        judge=judge_of(first),
        rates=_rates(judged, evaluated),
        budgets=tuple(_budget(run, student) for student in evaluated),
        splits=tuple(
            fate_of_split(store, masks_in(judged), contents(run, store))
            for store in _stores(run, judged)
        ),
        filters=tuple(
            filter_counts(store, mask, contents(run, store))
            for mask in masks_in(judged)
            for store in _stores(run, judged)
        ),
        lineage=_lineage(judged, evaluated),
        environment=_environment(run, judged),
    )


def _results(run: Run, student: StageResult, teacher: TeacherSamples) -> StudentResults:
    model = placed_student(run, student, teacher.schema)
    operator = model.operator
    return StudentResults(
        name=student.facts["student"],
        samples=draw_samples(model, teacher, options=run.recipe.evaluation),
        eigenvalues=None if operator is None else operator.eigenvalues().cpu().numpy(),
        losses=_losses(folder_at(student.folder)),
    )


def _losses(folder: Folder) -> LossHistory | None:
    if not folder.exists("losses.json"):
        return None
    return LossHistory.of(unseal(folder.read("losses.json"), f"{folder.url}/losses.json")["losses"])


def _teacher_losses(run: Run, judged: StageResult) -> LossHistory | None:
    folder = judged.facts.get("teacher_folder")
    return _losses(run.home / folder) if folder else None


def _stores(run: Run, judged: StageResult) -> list[PairStore]:
    return [open_split(run, judged, split) for split in ("train", "heldout")]


def _filter_scores(run: Run, judged: StageResult) -> list[FilterScores]:
    drawn = []
    # Of a decision that a recipe without filters names, the calibration is not at hand.
    own = masks_in(judged) if run.recipe.filters else ()
    for choice, mask in zip(run.recipe.filters, own, strict=True):
        store = open_split(run, judged, "train")
        masks = store.base / "masks"
        generated: list[NDArray[np.float64]] = [
            read_scores(masks, mask.score, content) for content in contents(run, store)
        ]
        drawn.append(
            FilterScores(
                filter=choice.filter.plugin,
                generated=np.concatenate(generated),
                heldout=calibration_scores(run, choice),
                threshold=read_decision_summary(masks, mask)["threshold"],
            )
        )
    return drawn


def _rates(judged: StageResult, evaluated: Sequence[StageResult]) -> tuple[Rate, ...]:
    folders = [("teacher", judged.folder)]
    folders += [(student.facts["student"], student.folder) for student in evaluated]
    timings = [(who, read_timings(folder_at(folder)).get("sampling")) for who, folder in folders]
    return tuple(
        Rate(
            who=who,
            nfe=sampling["nfe"],
            samples_per_second=sampling["samples_per_second"],
            samples_per_cpu_second=sampling["samples_per_cpu_second"],
            machine=sampling["machine"],
        )
        for who, sampling in timings
        if sampling is not None
    )


def _budget(run: Run, student: StageResult) -> Budget:
    name, folder = student.facts["student"], folder_at(student.folder)
    settings, model = settings_of(run, name), load_student(student.folder)
    timings, training = read_timings(folder), settings["training"]
    return Budget(
        name=name,
        num_images=training["num_steps"] * training["batch_size"],
        cpu_seconds=timings.get("cpu_seconds", timings.get("training", {}).get("cpu_seconds")),
        has_critic=bool(settings["model"].get("adversary")),
        num_trained=student.facts["parameters"]["trainable"],
        num_used=student.facts["parameters"]["inference"],
        nfe=model.nfe,
        num_networks=len(model.inference_modules()),
    )


def _lineage(judged: StageResult, evaluated: Sequence[StageResult]) -> tuple[Ancestor, ...]:
    teacher = judged.facts.get("teacher")
    ancestors = [Ancestor("teacher", *teacher)] if teacher else []
    ancestors.append(Ancestor("pairs", judged.name, judged.facts["of"]))
    ancestors += [Ancestor("mask", "decision", mask.decision) for mask in masks_in(judged)]
    ancestors += [
        Ancestor("student", student.facts["student"], student.facts["student_digest"])
        for student in evaluated
    ]
    return tuple(ancestors)


def _environment(run: Run, judged: StageResult) -> dict[str, str]:
    record = open_split(run, judged, "train").record(0)
    return {name: str(value) for name, value in sorted(record.environment.items())}
