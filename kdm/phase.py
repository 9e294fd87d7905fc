"""What is learned of an eigenvalue's phase: θ_j itself (App. C), or log θ_j as in the published code.

With the angle the gradient has the same scale everywhere; with its logarithm it grows with the phase.
"""

from typing import Literal

Phase = Literal["angle", "logarithm"]
