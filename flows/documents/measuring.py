"""Measures a student: its samples next to its teacher's, the numbers, and a picture."""

from typing import Any

import torch

from flows.documents.evaluated_samples import placed_student, teacher_samples
from flows.documents.sample_picture import sample_picture
from flows.documents.timings import machine, note_timing
from flows.stage import Run, StageResult
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.evaluate.evaluate import measure_samples
from kdm.evaluate.throughput import measure_throughput
from kdm.students.student import Student
from storage.folders import Folder
from storage.records import PairSchema


def measured(
    run: Run, judged: StageResult, student: StageResult
) -> tuple[dict[str, Any], PairSchema]:
    """A student's numbers next to its teacher's, and the schema of the pairs; also writes its picture."""
    torch.set_num_threads(1)
    teacher = teacher_samples(run, judged)
    model, folder = placed_student(run, student, teacher.schema), student.place
    return _numbers(run, folder, model, teacher), teacher.schema


def _numbers(run: Run, folder: Folder, model: Student, teacher: TeacherSamples) -> dict[str, Any]:
    options = run.recipe.evaluation
    samples = draw_samples(model, teacher, options=options)
    rate = measure_throughput(
        model, samples.sets["fresh_x_T"], samples.fresh_label, options=options
    )
    device = next(model.parameters()).device.type
    note_timing(folder, "sampling", {**rate.document(), "machine": machine(device)})
    picture = sample_picture(samples, folder.name.rpartition("-")[0])
    if picture is not None:
        folder.replace("samples.png", picture)
    described = teacher.views.described() if teacher.views else {}
    described |= teacher.judge.described() if teacher.judge else {}
    return measure_samples(samples, options) | described
