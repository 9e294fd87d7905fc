"""What a recipe's filters need of it, looked at before any work."""

import pytest

from flows.config.filter_rules import require_copy_finder
from flows.config.load import load_recipe
from flows.config.recipe import Recipe

REQUIRED = "privacy.required=true"
EXACT = "filters=[{filter: {plugin: exact}}]"


def digits(*overrides: str) -> Recipe:
    return load_recipe("digits", overrides=overrides)


def test_pictures_are_private_only_if_a_filter_looks_at_them_as_pictures() -> None:
    finders = "'aligned' or 'embedding' or 'exact' or 'pixel-nn'"
    with pytest.raises(ValueError, match=f"'near-copy' misses mirrored .*; add {finders} to fil"):
        digits(REQUIRED)
    assert digits(REQUIRED, EXACT).privacy.required
    both = "filters=[{filter: {plugin: near-copy}}, {filter: {plugin: exact}}]"
    assert digits(REQUIRED, both).privacy.required


@pytest.mark.parametrize("name", ["outlier", "near-duplicate"])
def test_a_filter_of_quality_keeps_no_copies_out(name: str) -> None:
    with pytest.raises(ValueError, match="lacks a filter that finds copies; add 'aligned' or "):
        digits(REQUIRED, f"filters=[{{filter: {{plugin: {name}}}}}]")


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4), (4, 8, 8), None])
def test_other_samples_are_private_with_a_filter_of_values(shape: tuple[int, ...] | None) -> None:
    near_copy = load_recipe("tiny").filters
    require_copy_finder(near_copy, shape)
    with pytest.raises(ValueError, match="finds copies; add 'near-copy' to filters"):
        require_copy_finder((), shape)


def test_a_filter_of_pictures_refuses_points_before_any_work() -> None:
    chosen = "filters=[{filter: {plugin: near-copy}}, {filter: {plugin: exact}}]"
    with pytest.raises(ValueError, match=r"'exact' looks at pictures .* have shape \(2,\)"):
        load_recipe("tiny", overrides=[chosen])


def test_the_small_recipe_of_cifar10_stays_as_it_was() -> None:
    recipe = load_recipe("cifar10-small", overrides=["dataset.source=cifar10.zip"])
    assert [choice.filter.plugin for choice in recipe.filters] == ["near-copy"]
