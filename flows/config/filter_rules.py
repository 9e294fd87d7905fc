"""What the filters of a recipe need of it: real data, pictures, and among them one that finds copies."""

from collections.abc import Sequence

from flows.config.generated_pairs import FilterRecipe, GeneratedPairs
from flows.config.imported_pairs import ImportedPairs
from flows.config.stored_pairs import StoredPairs
from flows.config.teacher_recipe import TeacherRecipe
from kdm.datasets import DataSet
from kdm.differential_privacy import DifferentialPrivacy
from pairgen.filters.filter import Filter
from storage.plugins import plugin_class, plugin_names

_SMALLEST_SIDE = 8  # of a picture in which a shifted or mirrored copy can be told from another


def require_data(rules: Sequence[FilterRecipe], dataset: DataSet | None) -> None:
    """Raise a ValueError if filters lack the real samples to compare pairs with, or to calibrate on."""
    for rule in rules if dataset is None else ():
        if rule.filter.needs_reference:
            raise ValueError(
                f"filter '{rule.filter.plugin}' compares pairs with real data: give a 'dataset'"
            )
        if _is_calibrated(rule):
            raise ValueError(
                f"filter '{rule.filter.plugin}' calibrates its threshold on real data: give a "
                "'dataset', or give the filter a threshold"
            )


def require_one_rate(rules: Sequence[FilterRecipe]) -> None:
    """Raise a ValueError unless filters that share a false-positive rate state the same one."""
    rates = sorted({rule.fpr for rule in rules})
    if len(rates) > 1:
        raise ValueError(
            f"filters with 'jointly' share one false-positive rate, but these state {rates}; give all of "
            "them the same fpr"
        )


def require_pictures(rules: Sequence[FilterRecipe], shape: tuple[int, ...]) -> None:
    """Raise a ValueError if a filter looks at pictures, and samples of this shape aren't any."""
    for rule in rules:
        if rule.filter.needs_pictures and not (len(shape) == 3 and shape[0] in (1, 3)):
            raise ValueError(
                f"filter '{rule.filter.plugin}' looks at pictures [1 or 3, height, width], but the "
                f"pairs have shape {shape}; take it out of the recipe"
            )


def require_copy_finder(rules: Sequence[FilterRecipe], shape: tuple[int, ...] | None) -> None:
    """Raise a ValueError if no filter finds copies of the real samples, of pictures also as pictures.

    A distance between numbers misses a mirrored or shifted picture. `shape` is that of a sample, None if it
    isn't known yet.
    """
    finders = [rule.filter for rule in rules if rule.filter.finds_copies]
    if not finders:
        raise ValueError(
            "privacy.required is true, but the recipe lacks a filter that finds copies; add "
            f"{_finders(shape)} to filters"
        )
    if are_pictures(shape) and not any(finder.needs_pictures for finder in finders):
        raise ValueError(
            "privacy.required is true, but no filter of the recipe looks for copies of pictures: "
            f"'{finders[0].plugin}' misses mirrored and shifted ones; add {_finders(shape)} to "
            "filters"
        )


def stated_claim(
    teacher: TeacherRecipe | None, pairs: GeneratedPairs | ImportedPairs | StoredPairs
) -> DifferentialPrivacy | None:
    """What the recipe, or the card of its stored pairs, states of the teacher; None if nothing."""
    if isinstance(pairs, StoredPairs):
        return pairs.differential_privacy
    return None if teacher is None else teacher.differential_privacy


def require_claim_kept(
    rules: Sequence[FilterRecipe],
    dataset: DataSet | None,
    claim: DifferentialPrivacy | None,
    *,
    is_given_up: bool,
) -> None:
    """Raise a ValueError if a filter would make a teacher's claim void, unless the recipe gives that up.

    Held-out samples may calibrate: no claim about the training data covers them. Leave-one-out reads those.
    """
    if claim is None or is_given_up:
        return
    leaves_one_out = dataset is not None and not dataset.has_heldout
    for rule in rules:
        if rule.filter.needs_reference or (leaves_one_out and _is_calibrated(rule)):
            raise ValueError(
                f"filter '{rule.filter.plugin}' reads the training data, which makes the "
                f"teacher's claim of differential privacy void ({claim.words}); take the filter out, or "
                "give the claim up with --set privacy.gives_up_differential_privacy=true"
            )


def require_claim_told(
    at_write: Sequence[FilterRecipe], dataset: DataSet | None, claim: DifferentialPrivacy | None
) -> None:
    """Raise a ValueError if a filter of drop_at_write makes a claim void, and no card could say so.

    A set keeps the threshold of such a filter, not how it was calibrated.
    """
    if claim is None or dataset is None or dataset.has_heldout:
        return
    for rule in at_write:
        if _is_calibrated(rule) and not rule.filter.needs_reference:
            raise ValueError(
                f"filter '{rule.filter.plugin}' of pairs.drop_at_write is calibrated by leave-one-out on the "
                f"training data, which makes the teacher's claim void ({claim.words}), and the set couldn't "
                "say so; give the filter a threshold, move it to filters, or hold samples out "
                "(dataset.heldout_source)"
            )


def are_pictures(shape: tuple[int, ...] | None) -> bool:
    """Whether samples of this shape, None if it isn't known, are pictures large enough to look at."""
    if shape is None or len(shape) != 3:
        return False
    return shape[0] in (1, 3) and min(shape[1:]) >= _SMALLEST_SIDE


def _is_calibrated(rule: FilterRecipe) -> bool:
    return rule.threshold is None


def _finders(shape: tuple[int, ...] | None) -> str:
    """The installed filters that would do, as a choice: "'exact' or 'near-copy'"."""
    named = [
        (name, plugin_class("pairgen.filters", name)) for name in plugin_names("pairgen.filters")
    ]
    found = [
        f"'{name}'"
        for name, each in named
        if issubclass(each, Filter)
        and each.finds_copies
        and each.needs_pictures == are_pictures(shape)
    ]
    return " or ".join(found)
