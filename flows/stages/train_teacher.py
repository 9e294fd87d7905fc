"""Stage `train-teacher`: the field that pairs are made with, trained once."""

from flows.recipe import TeacherRecipe
from flows.stages.cards import write_teacher_card
from flows.stages.run import Run, StageResult
from flows.stages.training import train
from pairgen.teachers.teacher import weights_digest
from storage.digest import short
from storage.fs import Folder
from storage.plugins import describe

STAGE = "train-teacher"


def train_teacher(run: Run) -> StageResult:
    """The recipe's teacher; facts hold the digest of its weights, which names its pairs."""
    teacher = run.recipe.teacher
    assert teacher is not None  # the caller asks only where the recipe has one
    if teacher.training is None:
        return _known(run, teacher)
    assert run.recipe.dataset is not None  # checked by the recipe
    job = {
        "group": "pairgen.teachers",
        "model": describe(teacher.model),
        "source": {"kind": "dataset", "dataset": run.recipe.dataset.model_dump(mode="json")},
        "training": teacher.training.model_dump(mode="json"),
    }
    result = train(run, STAGE, teacher.name, kind="teachers", job=job)
    if not Folder.at(result.folder).exists("card.md"):
        write_teacher_card(run, teacher, result)
    return result


def _known(run: Run, teacher: TeacherRecipe) -> StageResult:
    digest = weights_digest(teacher.model, None)
    name = f"{teacher.name}-{short(digest)}"
    folder = (run.home / "teachers" / name).url
    return StageResult(STAGE, name, folder, digest, "cached", {"weights": digest})
