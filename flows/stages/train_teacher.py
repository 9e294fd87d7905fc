"""Stage `train-teacher`: train the teacher once, or find it stored."""

from flows.config.teacher_recipe import TeacherRecipe
from flows.documents.teacher_card import mark_claim, write_teacher_card
from flows.stage import Run, StageResult
from flows.stages.training import train
from kdm.trained import read_config, read_weights
from pairgen.teachers.plugin import weights_digest
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.plugins import describe

STAGE = "train-teacher"


def train_teacher(run: Run) -> StageResult:
    """The recipe's teacher; facts hold the digest of its weights, which names its pairs."""
    teacher = run.recipe.teacher
    assert teacher is not None  # the caller asks only if the recipe has one
    if teacher.stored is not None:
        result = _stored(run, teacher, teacher.stored)
        mark_claim(result.place, teacher.differential_privacy)
        return result
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
    if not result.place.exists("card.md"):
        write_teacher_card(run, teacher, result)
    mark_claim(result.place, teacher.differential_privacy)
    return result


def _stored(run: Run, teacher: TeacherRecipe, name: str) -> StageResult:
    folder = run.home / "teachers" / name
    config = read_config(folder)
    if config is None:
        raise ValueError(f"{folder.url} no longer holds a teacher; import or copy it again")
    found = config["weights"]["sha256"]
    if found != teacher.weights:
        raise MismatchError(
            f"{folder.url} has weights {short(found)}…, the recipe's teacher has "
            f"{short(str(teacher.weights))}…; name that one, or take this with --set teacher.weights=null"
        )
    read_weights(folder, config)  # a DamageError before any work if they're damaged
    facts = {"weights": found, "parameters": config["parameters"]}
    return StageResult(STAGE, name, folder.url, digest_of(config["identity"]), "cached", facts)


def _known(run: Run, teacher: TeacherRecipe) -> StageResult:
    digest = weights_digest(teacher.model, None)
    name = f"{teacher.name}-{short(digest)}"
    folder = (run.home / "teachers" / name).url
    return StageResult(STAGE, name, folder, digest, "cached", {"weights": digest})
