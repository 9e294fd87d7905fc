"""The spec of a recipe's pairs, once the teacher's weights are known."""

from flows.calibration import RecipeFilter
from flows.config.generated_pairs import FilterRecipe, GeneratedPairs
from flows.documents.calibration_words import (
    calibration_document,
    calibration_words,
    unsure_rate,
)
from flows.stage import Run
from pairgen.filters.drop_rule import DropRule
from pairgen.spec import PairSpec, TeacherIdentity


def pair_spec(run: Run, *, weights: str) -> PairSpec:
    """The spec of the recipe's pairs, which a teacher with these weights makes."""
    pairs = run.recipe.pairs
    assert isinstance(pairs, GeneratedPairs)  # no others have such a spec
    assert run.recipe.teacher is not None  # checked by the recipe
    return PairSpec(
        teacher=TeacherIdentity(plugin=run.recipe.teacher.model, weights=weights),
        sampler=pairs.sampler,
        pairs=pairs.pairs,
        precision=pairs.precision,
        guidance=pairs.guidance,
        drop_at_write=tuple(_drop_rule(run, choice) for choice in pairs.drop_at_write),
    )


def _drop_rule(run: Run, choice: FilterRecipe) -> DropRule:
    chosen = RecipeFilter(choice, run.recipe.dataset)
    _tell_calibration(run, chosen)
    return DropRule.of(choice.filter, reference=chosen.reference, threshold=chosen.threshold)


def _tell_calibration(run: Run, chosen: RecipeFilter) -> None:
    """One sentence if samples are few or the training data's own, since the set keeps the threshold alone."""
    calibration = chosen.calibration
    if calibration is None:
        return
    found = {"fpr": chosen.rate, **calibration_document(calibration)}
    warning = unsure_rate(found)
    if warning or calibration.leaves_one_out:
        words = warning or f"its threshold drops {calibration_words(found)}"
        run.say(f"filter '{chosen.choice.filter.plugin}' of pairs.drop_at_write: {words}")
