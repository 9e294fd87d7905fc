"""2,000 times what a hurried or hostile user might type: a recipe, or a sentence."""

import pytest
from faults.configs import complaint, overrides
from hypothesis import HealthCheck, given, settings

pytestmark = pytest.mark.faults


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(overrides)
def test_whatever_is_typed_is_a_recipe_or_a_sentence(typed: list[str]) -> None:
    assert complaint(typed) == ""
