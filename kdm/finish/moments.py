"""The Fréchet distance between running moments of features and stored ones, differentiable.

    d² = ‖μ − μ_ref‖² + tr(Σ + Σ_ref − 2 (Σ_ref^½ Σ Σ_ref^½)^½)        (Dowson & Landau 1982)

as kdm/metrics/frechet.py measures it; here in torch, with Σ = E[f fᵀ] − μ μᵀ. One batch has too few rows for
Σ of d features, so that μ and E[f fᵀ] are averages over past batches (FD-loss,
arXiv 2604.28190):

    m ← (1 − w) m + w m_batch,   w = max(1 − decay, 1 / k) in step k

The first steps are averaged evenly, until the average is as long as `decay` has it. Of fewer rows than
features Σ is singular, where d² has gradients without bound: nothing should follow it before. Gradients pass
the batch's share alone, and are those of that share over w: what d² would change by if all samples changed as
these do. All of it is float64, because Σ is a difference.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from kdm.collective import mean_over_ranks
from kdm.finish.feature_types import FeatureMap, FeatureRows
from kdm.shapes import AnyNumber

Mean = Float64[Tensor, "d"]
Second = Float64[Tensor, "d d"]
Distance = Float64[Tensor, ""]
# Of the largest eigenvalue: √ of what is below has a gradient of rounding alone, and counts without any.
_FLAT = 1e-10
_ROUNDING = 1e-9
_PASS = 256  # pictures at once, for the stored moments


class StoredMoments(nn.Module):
    """μ_ref and Σ_ref of stored samples; buffers that no checkpoint keeps, since the pairs give them."""

    def __init__(self, mean: Mean, second: Second) -> None:
        """E[f] and E[f fᵀ]."""
        super().__init__()
        covariance = second - torch.outer(mean, mean)
        values, vectors = torch.linalg.eigh(covariance)
        root = (vectors * values.clip(0).sqrt()) @ vectors.T
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("root", root, persistent=False)
        self.register_buffer("trace", covariance.trace(), persistent=False)

    def distance(self, mean: Mean, second: Second) -> Distance:
        """d² of a set with E[f] = `mean` and E[f fᵀ] = `second`; its rounding may leave it below 0."""
        own, root = self.get_buffer("mean"), self.get_buffer("root")
        covariance = second - torch.outer(mean, mean)
        values = torch.linalg.eigvalsh(root @ covariance @ root)
        least = _FLAT * values.detach().amax().clip(min=torch.finfo(values.dtype).tiny)
        overlap = torch.where(values > least, values, least).sqrt().sum()
        apart = (mean - own).square().sum()
        return apart + covariance.trace() + self.get_buffer("trace") - 2 * overlap


class RunningMoments(nn.Module):
    """E[f] and E[f fᵀ] over past batches: buffers, which checkpoints keep."""

    def __init__(self, num_features: int, decay: float, device: torch.device) -> None:
        super().__init__()
        self._decay = decay
        mean = torch.zeros(num_features, dtype=torch.float64, device=device)
        self.register_buffer("mean", mean)
        self.register_buffer("second", torch.outer(mean, mean))
        self.register_buffer("num_batches", torch.zeros((), dtype=torch.int64, device=device))

    @property
    def are_long(self) -> bool:
        """Whether the averages are as long as the decay has them."""
        return self.get_buffer("num_batches").item() * (1 - self._decay) >= 1 - _ROUNDING

    def take(self, features: FeatureRows) -> tuple[Mean, Second]:
        """Both after a batch (n, d), of which each rank gives equally many rows.

        Their values are the averages, their gradients the batch's own.
        """
        rows = features.double()
        batch = mean_over_ranks(rows.mean(0)), mean_over_ranks(rows.T @ rows / len(rows))
        number = self.get_buffer("num_batches").add_(1)
        share = (1 / number.double()).clip(min=1 - self._decay)
        kept = self.get_buffer("mean"), self.get_buffer("second")
        for average, new in zip(kept, batch, strict=True):
            average.lerp_(new.detach(), share)
        mean, second = (
            average + (new - new.detach()) for average, new in zip(kept, batch, strict=True)
        )
        return mean, second


@torch.no_grad()
def stored_moments(pictures: Iterable[AnyNumber], features: FeatureMap) -> StoredMoments:
    """Those of pictures (n, c, h, w), part by part; a ValueError if they are too few for a covariance."""
    mean, second, count = torch.zeros(0), torch.zeros(0), 0
    for part in pictures:
        for some in torch.split(part, _PASS):
            rows = features(some).double()
            sums = rows.sum(0), rows.T @ rows
            mean, second = sums if not count else (mean + sums[0], second + sums[1])
            count += len(some)
    if count < 2:
        raise ValueError(
            f"finish needs moments of stored samples, and {count} are left of the pairs"
        )
    return StoredMoments(mean / count, second / count)
