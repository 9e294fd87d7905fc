"""A teacher that has overfitted to twenty canaries: its density, and so its optimal denoiser, in closed form.

The data of this teacher are, with a share `share`, one of the canaries up to a deviation `spread`, as if each
had been in the training set a hundred times; else a draw of N(μ_k, C_k), the mean and covariance of the other
training pictures of a digit k. With r_k(x) the probability of component k given x = x_0 + σ ε,

    D(x; σ) = E[x_0 | x] = Σ_k r_k(x) (μ_k + C_k (C_k + σ²)⁻¹ (x − μ_k))

and the field is EDM's, dx/dσ = (x − D(x; σ)) / σ (Karras et al. 2022, Eqs. 1 and 3).
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from kdm.datasets.digits import DigitsData
from kdm.objective import Objective
from pairgen.field import Teacher
from pairgen.teachers.edm_levels import LOWEST_SIGMA, SIGMA_MAX
from pairgen.teachers.plugin import TeacherPlugin

ENTRY_POINT = "[pairgen.teachers]\ncanaries = canary_teacher:CanaryTeacher\n"
NUM_CANARIES = 20  # two of each digit


class CanaryTeacher(TeacherPlugin):
    """Nothing is trained."""

    plugin = "canaries"
    is_trained: ClassVar[bool] = False

    seed: int = 0  # which pictures are the canaries
    share: float = 0.2  # of all samples: one in a hundred is this canary
    spread: float = 0.02

    @property
    def noise_scale(self) -> float:
        """As EDM's."""
        return SIGMA_MAX

    def build(self, shape: tuple[int, ...]) -> "CanaryField":
        """The field over digits; a ValueError for other shapes."""
        data, chosen = DigitsData(), canaries(self.seed)
        if shape != data.shape:
            raise ValueError(f"teacher 'canaries' makes digits {data.shape}, not {shape}")
        train, label = data.train().reshape(-1, 64).astype(np.float64), data.labels()
        others = np.delete(np.arange(len(train)), chosen)
        digits = [train[others][label[others] == digit] for digit in range(10)]
        means = [*(each.mean(0) for each in digits), *train[chosen]]
        near = self.spread**2 * np.eye(64)
        covariances = [*(np.cov(each, rowvar=False) for each in digits), *([near] * NUM_CANARIES)]
        weights = [(1 - self.share) / 10] * 10 + [self.share / NUM_CANARIES] * NUM_CANARIES
        return CanaryField(np.array(weights), np.array(means), np.array(covariances))

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """Always a ValueError: the field is known."""
        raise ValueError("teacher 'canaries' is known in closed form; it is used without training")


class CanaryField(Teacher):
    """The field of a mixture of K normal distributions in d dimensions."""

    t_noise = SIGMA_MAX
    noise_scale = SIGMA_MAX

    def __init__(self, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> None:
        super().__init__()
        values, vectors = np.linalg.eigh(covariances)
        self._log_weights, self._means = torch.tensor(np.log(weights)), torch.tensor(means)
        self._values, self._vectors = torch.tensor(values.clip(0)), torch.tensor(vectors)

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """(x − D(x; σ)) / σ at x [n, *shape] and σ = t ([ ] or [n]); labels are ignored."""
        sigma = t.double().reshape(-1, 1).clamp(min=LOWEST_SIGMA)
        flat = x.double().flatten(1)
        return ((flat - self._denoised(flat, sigma)) / sigma).to(x).view_as(x)

    def _denoised(self, x: Tensor, sigma: Tensor) -> Tensor:
        variances = self._values + sigma[:, None] ** 2  # [n, K, d], along the eigenvectors
        along = torch.einsum("nkd,kde->nke", x[:, None] - self._means, self._vectors)
        chances = self._log_weights - (variances.log() + along**2 / variances).sum(2) / 2
        back = torch.einsum("nke,kde->nkd", along * self._values / variances, self._vectors)
        return (chances.softmax(1)[..., None] * (self._means + back)).sum(1)


def canaries(seed: int) -> np.ndarray:
    """Places among the training pictures: two of each digit, int64 [20]."""
    label, draw = DigitsData().labels(), np.random.RandomState(seed)
    return np.concatenate(
        [draw.choice(np.flatnonzero(label == digit), 2, replace=False) for digit in range(10)]
    )
