"""What students are measured on, and a student ready to be measured."""

from flows.documents.instruments import judge_on, perception_of, views_of
from flows.documents.training_samples import training_samples
from flows.judged_pairs import masks_in, open_split
from flows.stage import Run, StageResult
from kdm.evaluate.draw import TeacherSamples
from kdm.evaluate.evaluate import needs_of, require_needs
from kdm.export import load_student
from kdm.report.picture_figures import is_image
from kdm.students.student import Student
from storage.records import PairSchema


def teacher_samples(
    run: Run, judged: StageResult, *, needs: frozenset[str] | None = None
) -> TeacherSamples:
    """What students are compared with: held-out pairs, and other samples of the teacher.

    With a classifier and linear rivals if `needs` names them, by default what the recipe's metrics
    need. A ValueError if pairs or data set lack it.
    """
    masks, pairs, dataset = masks_in(judged), run.recipe.pairs, run.recipe.dataset
    needs = needs_of(run.recipe.evaluation.metrics) if needs is None else needs
    heldout = open_split(run, judged, "heldout")
    require_needs(needs, label=heldout.schema.label, dataset=dataset)
    for metric in run.recipe.evaluation.metrics:
        metric.require_shape(heldout.schema.shape)
    others = training_samples(run, judged, has_rivals="linear" in needs)
    known = heldout.load(pairs.heldout, masks).pairs
    return TeacherSamples(
        heldout=known,
        others=others.x_0,
        schema=heldout.schema,
        other_label=others.label,
        judge=judge_on(run) if "classifier" in needs else None,
        views=views_of(run, heldout.schema.shape) if "network" in needs else None,
        perception=perception_of(run) if "perceptual" in needs else None,
        linear_x_0=others.linear_x_0(known),
    )


def placed_student(run: Run, student: StageResult, schema: PairSchema) -> Student:
    """A trained student: of images on the run's device, of anything smaller on the CPU.

    It takes as many steps as the evaluation says; a ValueError if it doesn't take any.
    """
    model, num_steps = load_student(student.folder), run.recipe.evaluation.num_steps
    if num_steps is not None:
        if model.num_steps is None:
            raise ValueError(
                f"evaluation.num_steps is {num_steps}, but {student.name} doesn't sample in steps; leave "
                "it out, or choose a student that does (kdm-t, reflow)"
            )
        model.num_steps = num_steps
    return model.to(run.settled_device) if is_image(schema.shape) else model
