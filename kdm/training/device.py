"""Where a training computes, as a recipe's user says it."""

from typing import Literal

Device = Literal["cpu", "cuda", "auto"]
