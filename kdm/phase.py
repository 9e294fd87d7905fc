"""What is learned of an eigenvalue's phase (App. C)."""

from typing import Literal

# What is learned of a phase: the angle itself (App. C), or its logarithm as in the published code.
Phase = Literal["angle", "logarithm"]
