"""200 evaluations whose truth is known: 95 % intervals hold it in 92 to 98 of a hundred."""

import pytest
from known_truths import EVALUATIONS, covered

pytestmark = pytest.mark.trials


@pytest.mark.parametrize("name", EVALUATIONS)
def test_intervals_hold_the_truth_as_often_as_they_say(name):
    found = covered(EVALUATIONS[name], num_evaluations=200, num_for_truth=800)
    print(found)
    assert all(0.92 <= each.share <= 0.98 for each in found.values()), found
