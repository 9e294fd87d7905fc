"""What metrics over networks and trackers need, tried before the first stage: it may take days until then."""

from collections.abc import Iterable

from flows.config.student_recipe import StudentRecipe
from flows.stage import Run
from flows.stages.tracking import with_usual_trackers
from kdm.evaluate.evaluate import needs_of
from kdm.finish.judges import require_other_features
from kdm.trackers.choice import require_installed


def require_networks(run: Run, students: Iterable[StudentRecipe]) -> None:
    """Raise a ValueError for a network, statistics or a number of samples that won't do.

    Nor may a metric see through features that one of the students optimises.
    """
    recipe = run.recipe
    for student in students:
        if student.finish is not None:
            require_other_features(student.name, student.finish, recipe.evaluation.metrics)
    needs = needs_of(recipe.evaluation.metrics)
    if not needs & {"network", "perceptual"}:
        return
    # torch: only runs with such metrics wait for it
    from flows.documents.instruments import perception_of, views_of

    if "network" in needs:
        # The teacher brings two sets of as many samples, of which a filter may drop some.
        views_of(run, recipe.shape).require(
            min(recipe.evaluation.num_fresh, recipe.pairs.train // 2)
        )
    if "perceptual" in needs:
        perception_of(run)


def require_trackers(run: Run, students: Iterable[StudentRecipe]) -> None:
    """Raise a ValueError if the package of a tracker isn't installed."""
    teacher = run.recipe.teacher
    trainings = [each for student in students for each in student.trainings]
    if teacher is not None and teacher.training is not None:
        trainings.append(teacher.training)
    for training in trainings:
        require_installed(with_usual_trackers(training).trackers or ())
