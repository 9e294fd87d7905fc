"""Stage `evaluate`: a student's numbers on held-out pairs and fresh noise, beside its teacher's."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from flows.progress import Meter
from flows.stages.reading import masks_in, open_split
from flows.stages.run import Run, StageResult
from flows.stages.timings import machine, note_timing
from kdm.analyze.sample_plots import samples_beside_teacher
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.evaluate.evaluate import meanings_of, measure_samples
from kdm.evaluate.throughput import measure_throughput
from kdm.export import load_student
from kdm.report.card import StudentCard, student_card
from kdm.report.content import StudentEntry
from kdm.students.student import Student
from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError
from storage.fs import Folder
from storage.plugins import describe

STAGE = "evaluate"
# Raised by a fix that changes what is measured; plugins of metrics have versions of their own.
VERSION = 1


def evaluate(run: Run, judged: StageResult, student: StageResult) -> StageResult:
    """Measure a student unless its metrics.json is of these weights, pairs, masks and options."""
    folder = Folder.at(student.folder)
    identity = evaluation_identity(run, judged, student)
    standing = read_metrics(folder)
    if standing is not None and standing["identity"] == identity:
        return replace(student, stage=STAGE, digest=identity, state="cached", facts=standing)
    folder.require_writable(f"measuring {student.name}")
    meter = Meter(run.report, STAGE, student.name, 1, "students")
    meter.at(0)
    torch.set_num_threads(1)
    model = load_student(student.folder)
    teacher = teacher_samples(run, judged)
    document = _measured(run, folder, model, teacher)
    document |= {
        "identity": identity,
        "student": student.facts["student"],
        "student_digest": student.digest,
        "pairs": judged.name,
        "parameters": student.facts["parameters"],
    }
    _write_card(run, student, document)
    folder.replace("metrics.json", seal(document))
    meter.at(1)
    return replace(student, stage=STAGE, digest=identity, state="done", facts=document)


def evaluation_identity(run: Run, judged: StageResult, student: StageResult) -> str:
    """The digest of all that the numbers depend on."""
    contents = {
        split: open_split(run, judged, split).content_digests(count)
        for split, count in (
            ("train", run.recipe.pairs.train),
            ("heldout", run.recipe.pairs.heldout),
        )
    }
    return digest_of(
        {
            "version": VERSION,
            "student": student.facts["weights"],
            "contents": contents,
            "counts": [run.recipe.pairs.train, run.recipe.pairs.heldout],
            "masks": judged.facts["masks"],
            "evaluation": run.recipe.evaluation.model_dump(mode="json"),
        }
    )


def teacher_samples(run: Run, judged: StageResult) -> TeacherSamples:
    """What students are held against: held-out pairs, and other samples of the teacher."""
    masks, pairs = masks_in(judged), run.recipe.pairs
    heldout = open_split(run, judged, "heldout")
    train = open_split(run, judged, "train")
    wanted = min(pairs.train, 3 * run.recipe.evaluation.num_fresh)
    return TeacherSamples(
        heldout=heldout.load(pairs.heldout, masks).pairs,
        others=np.asarray(train.load(wanted, masks).pairs.x_0),
        schema=heldout.schema,
    )


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """A student's metrics document; None where it has none, or a damaged one (it is made anew)."""
    if not folder.exists("metrics.json"):
        return None
    try:
        document = unseal(folder.read("metrics.json"), f"{folder.url}/metrics.json")
    except DamageError:
        return None
    document.pop("digest")
    return document


def _measured(run: Run, folder: Folder, model: Student, teacher: TeacherSamples) -> dict[str, Any]:
    options = run.recipe.evaluation
    samples = draw_samples(model, teacher, options=options)
    rate = measure_throughput(model, samples.fresh_x_T, options=options)
    note_timing(folder, "sampling", {**rate.document(), "machine": machine()})
    if samples.x_0.shape[1:] == (2,):
        name = folder.name.rpartition("-")[0]
        picture = samples_beside_teacher(samples.reference, samples.fresh_x_0_hat, student=name)
        folder.replace("samples.png", picture)
    return measure_samples(samples, options)


def _write_card(run: Run, student: StageResult, document: dict[str, Any]) -> None:
    recipe = next(each for each in run.recipe.students if each.name == student.facts["student"])
    card = StudentCard(
        student=entry(document, describe(recipe.model)),
        plugin=recipe.model.plugin,
        teacher=run.recipe.teacher.name if run.recipe.teacher else run.recipe.pairs.name,
        pairs=document["pairs"],
        floor=document["floor"],
        num_heldout=document["num_heldout"],
        num_fresh=document["num_fresh"],
        address=f"students/{recipe.name}-{short(student.digest)}",
        licence=run.recipe.licence(),
        has_picture=Folder.at(student.folder).exists("samples.png"),
    )
    text = student_card(card, meanings_of(run.recipe.evaluation.metrics))
    Folder.at(student.folder).replace("card.md", text.encode())


def entry(document: Mapping[str, Any], settings: Mapping[str, Any]) -> StudentEntry:
    """One student, from its metrics document, as report and card show it."""
    return StudentEntry(
        name=document["student"],
        digest=document["student_digest"],
        values=document["values"],
        num_trainable_parameters=document["parameters"]["trainable"],
        num_inference_parameters=document["parameters"]["inference"],
        settings=settings,
    )
