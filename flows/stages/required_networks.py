"""What metrics over networks need, tried before the first stage: it may take days until they measure."""

from collections.abc import Iterable

from flows.config.student_recipe import StudentRecipe
from flows.stage import Run
from kdm.evaluate.evaluate import needs_of
from kdm.finish.judges import require_other_features


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
