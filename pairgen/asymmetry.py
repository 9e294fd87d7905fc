"""What asking a teacher for mirrored noises gave: numbers that are read without torch."""

from typing import NamedTuple

# A mirrored pair is then nearer to the teacher's than a student that has learned well: on digits the
# paired error of students is a tenth to a fifth of the error of unrelated samples (docs/results.md).
MOST_ASYMMETRY = 0.1


class Symmetry(NamedTuple):
    """What asking a teacher for mirrored noises gave; errors are in the units of x_0."""

    num_pairs: int
    error: float  # root mean square of Φ(M x_T) − M Φ(x_T)
    unrelated: float  # the same between samples of one class

    @property
    def asymmetry(self) -> float:
        """0: symmetric; 1: the mirrored sample is another one."""
        return self.error / self.unrelated

    @property
    def is_symmetric(self) -> bool:
        """Whether mirrored pairs are near enough to the teacher's to learn from."""
        return self.asymmetry <= MOST_ASYMMETRY
