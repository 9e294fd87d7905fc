"""Measures a student: its samples next to its teacher's, the numbers, and a picture."""

from typing import Any

import torch

from flows.documents.evaluated_samples import placed_student, teacher_samples
from flows.documents.timings import machine, note_timing
from flows.stage import Run, StageResult
from kdm.analyze.sample_plots import samples_beside_teacher
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.evaluate.evaluate import measure_samples
from kdm.evaluate.throughput import measure_throughput
from kdm.metrics.samples import EvaluationSamples
from kdm.report.picture_figures import beside_teacher, is_image
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
    rate = measure_throughput(model, samples.fresh_x_T, samples.fresh_label, options=options)
    device = next(model.parameters()).device.type
    note_timing(folder, "sampling", {**rate.document(), "machine": machine(device)})
    picture = _picture(samples, folder.name.rpartition("-")[0])
    if picture is not None:
        folder.replace("samples.png", picture)
    described = teacher.judge.described() if teacher.judge else {}
    return measure_samples(samples, options) | described


def _picture(samples: EvaluationSamples, name: str) -> bytes | None:
    shape = samples.x_0.shape[1:]
    if shape == (2,):
        return samples_beside_teacher(samples.reference, samples.fresh_x_0_hat, student=name)
    models = [("teacher", samples.x_0), (name, samples.x_0_hat)]
    return beside_teacher(models, samples.label) if is_image(shape) else None
