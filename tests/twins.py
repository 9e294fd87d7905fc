"""The student of the recipe `tiny` twice, under two names: both must become what it is alone."""

import json

from flows.config.load import load_recipe

(_STUDENT,) = load_recipe("tiny").document()["students"]
TWINS = "students=" + json.dumps([_STUDENT, {**_STUDENT, "name": "twin"}])
# The same beside one whose first steps give no number.
_STEEP = {**_STUDENT["training"], "learning_rate": 1e30, "warmup_steps": 1}
WITH_A_FAILING = "students=" + json.dumps(
    [{**_STUDENT, "name": "failing", "training": _STEEP}, _STUDENT]
)
