"""The straight path between two Gaussians, known in closed form: a teacher for tests.

Data are N(mean, std²) in each dimension, noise is N(0, 1), x_t = (1 - t) x_0 + t x_T with x_0 and
x_T independent. Then x_t is N(m_t, s_t²) with m_t = (1 - t) mean, s_t² = (1 - t)² std² + t², the
velocity is E[x_T - x_0 | x_t] = -mean + (t - (1 - t) std²) / s_t² · (x_t - m_t), and its flow
keeps (x_t - m_t) / s_t fixed, since s_t' / s_t is that very factor.
"""

from typing import ClassVar

from kdm.objective import Objective
from pairgen.teachers.late import GaussianField
from pairgen.teachers.plugin import TeacherPlugin


class GaussianTeacher(TeacherPlugin):
    """N(mean, std²) data; `mean` and `std` are one number, or one for each value of a sample.

    Nothing is trained, and the exact x_0 of any x_T is known, so that solvers can be measured against it.
    """

    plugin = "gaussian"
    is_trained: ClassVar[bool] = False

    mean: float | tuple[float, ...] = 0.5  # of the data
    std: float | tuple[float, ...] = 2.0  # standard deviation of the data

    @property
    def noise_scale(self) -> float:
        """1: noise is N(0, I)."""
        return 1.0

    def build(self, shape: tuple[int, ...]) -> GaussianField:
        """The field over samples of `shape`; a ValueError when the options do not fill it."""
        from pairgen.teachers.gaussian_field import GaussianField as Built
        from pairgen.teachers.gaussian_field import spread

        return Built(spread(self.mean, shape, "mean"), spread(self.std, shape, "std"))

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """Always a ValueError: the field is known."""
        raise ValueError("teacher 'gaussian' is known in closed form; it is used without training")
