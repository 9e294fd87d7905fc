"""Stage `distill`: train one student on stored pairs; the teacher is not loaded."""

from dataclasses import replace

from flows.config.student_recipe import StudentRecipe
from flows.documents.remembered_runs import remember
from flows.documents.trained_student import tell_training
from flows.judged_pairs import open_split
from flows.stage import Run, StageResult
from flows.stages.mirroring import require_symmetric
from flows.stages.state_levels import with_levels
from flows.stages.teacher_start import place_of_start, with_teacher
from flows.stages.training import train
from storage.plugins import describe

STAGE = "distill"


def distill(run: Run, judged: StageResult, student: StudentRecipe) -> StageResult:
    """One student of the recipe on the judged pairs; every student reads the same shards.

    One that is finished is trained as it was before, unless it is there, and then a second time.
    """
    store = open_split(run, judged, "train")
    student.require_labels(store.schema.label)
    require_symmetric(run, judged, student.training)
    model = with_teacher(student.name, with_levels(student, store), store)
    job = {
        "group": "kdm.students",
        "model": describe(model),
        "source": {
            "kind": "pairs",
            "url": judged.folder,
            "split": "train",
            "layout": run.recipe.pairs.layout,
            "count": run.recipe.pairs.train,
            "masks": judged.facts["masks"],
        },
        "training": student.trainings[-1].model_dump(mode="json"),
        "teacher": place_of_start(model, run.home, judged.folder),
    }
    if student.finish is not None:
        first = distill(run, judged, student.before_finish)
        job["finish"] = {
            "options": student.finish.model_dump(mode="json"),
            "student": first.folder,
            "weights": first.facts["weights"],
            "network": student.finish.features.network_sha256(),
        }
    result = train(run, STAGE, student.name, kind="students", job=job)
    tell_training(run, judged, student, result)
    result = replace(result, facts={**result.facts, "student": student.name})
    if run.is_remembered:
        remember(run, judged, result)
    return result
