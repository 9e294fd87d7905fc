"""What is measured of a student: samples beside its teacher's, numbers, a picture and a card."""

from typing import Any

import numpy as np
import torch

from flows.stages.numbers import entry, judge_of, references
from flows.stages.reading import masks_in, open_split
from flows.stages.reproduction import reproduction
from flows.stages.run import Run, StageResult
from flows.stages.timings import machine, note_timing
from kdm.analyze.sample_plots import samples_beside_teacher
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.evaluate.evaluate import meanings_of, measure_samples, needs_of, require_needs
from kdm.evaluate.linear_map import MAX_PAIRS, linear_predictions
from kdm.evaluate.picture_judge import picture_judge
from kdm.evaluate.samples import EvaluationSamples
from kdm.evaluate.throughput import measure_throughput
from kdm.export import load_student
from kdm.report.card import StudentCard, student_card
from kdm.report.picture_figures import beside_teacher, is_image
from kdm.students.student import Student
from storage.any_folder import folder_at
from storage.digest import short
from storage.fs import Folder
from storage.plugins import describe
from storage.records import PairSchema


def teacher_samples(
    run: Run, judged: StageResult, *, needs: frozenset[str] | None = None
) -> TeacherSamples:
    """What students are held against: held-out pairs, and other samples of the teacher.

    With a classifier and linear rivals where `needs` names them, by default what the recipe's metrics
    need. A ValueError where pairs or data set lack it.
    """
    masks, pairs, dataset = masks_in(judged), run.recipe.pairs, run.recipe.dataset
    needs = needs_of(run.recipe.evaluation.metrics) if needs is None else needs
    heldout = open_split(run, judged, "heldout")
    require_needs(needs, label=heldout.schema.label, dataset=dataset)
    wanted = max(3 * run.recipe.evaluation.num_fresh, MAX_PAIRS if "linear" in needs else 0)
    others = open_split(run, judged, "train").load(min(pairs.train, wanted), masks).pairs
    known = heldout.load(pairs.heldout, masks).pairs
    judge = None
    if "classifier" in needs and dataset is not None:
        judge = picture_judge(run.home, dataset, device=torch.device(run.settled_device))
    return TeacherSamples(
        heldout=known,
        others=np.asarray(others.x_0),
        schema=heldout.schema,
        other_label=others.label,
        linear_x_0=linear_predictions(others, known) if "linear" in needs else None,
        judge=judge,
    )


def placed_student(run: Run, student: StageResult, schema: PairSchema) -> Student:
    """A trained student: of images on the run's device, of anything smaller on the CPU."""
    model = load_student(student.folder)
    return model.to(run.settled_device) if is_image(schema.shape) else model


def measured(
    run: Run, judged: StageResult, student: StageResult
) -> tuple[dict[str, Any], PairSchema]:
    """A student's numbers beside its teacher's, and the schema of the pairs; its picture lies beside them."""
    torch.set_num_threads(1)
    teacher = teacher_samples(run, judged)
    model, folder = placed_student(run, student, teacher.schema), folder_at(student.folder)
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


def write_card(
    run: Run, student: StageResult, document: dict[str, Any], schema: PairSchema
) -> None:
    """card.md beside its numbers."""
    recipe = next(each for each in run.recipe.students if each.name == student.facts["student"])
    card = StudentCard(
        student=entry(document, describe(recipe.model)),
        plugin=recipe.model.plugin,
        teacher=run.recipe.teacher.name if run.recipe.teacher else run.recipe.pairs.name,
        pairs=document["pairs"],
        references=references(document),
        num_heldout=document["num_heldout"],
        num_fresh=document["num_fresh"],
        address=f"students/{recipe.name}-{short(student.digest)}",
        licence=run.recipe.licence(),
        command=reproduction(run, [recipe.name]).line,
        has_picture=folder_at(student.folder).exists("samples.png"),
        judge=judge_of(document),
        num_classes=schema.label.num_classes if schema.label else 0,
    )
    text = student_card(card, meanings_of(run.recipe.evaluation.metrics))
    folder_at(student.folder).replace("card.md", text.encode())
