"""Of several players exactly one is the model, and each has a name of its own."""

import pytest
from torch import nn

from kdm.objective import Objective, Player


@pytest.mark.parametrize(
    ("names", "models", "words"),
    [
        (
            ("critic", "student"),
            (False, False),
            "exactly one must be the objective's model.*; 0 are",
        ),
        (("critic", "student"), (True, True), "exactly one must be the objective's model.*; 2 are"),
        (
            ("student", "student"),
            (False, True),
            "the players student, student must have different names",
        ),
    ],
)
def test_players_that_no_training_can_follow_are_refused(
    names: tuple[str, str], models: tuple[bool, bool], words: str
) -> None:
    model = nn.Linear(1, 1)
    players = tuple(
        Player(name, model if is_model else nn.Linear(1, 1), None)
        for name, is_model in zip(names, models, strict=True)
    )
    with pytest.raises(ValueError, match=words):
        Objective(model, players)
