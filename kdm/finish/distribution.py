"""What a finish lowers: the distance of samples' moments from those of stored ones, and an anchor.

    L = d²(moments of f(x_0^), moments of f(x_0)) + anchor · L_own,    x_0^ the sample that `generate` gives

L_own is the student's own loss of the same pairs, without a critic: it keeps each sample near its teacher's.
"""

import torch
from torch import nn

from kdm.batch import Batch
from kdm.finish.feature_types import FeatureMap
from kdm.finish.moments import RunningMoments, StoredMoments
from kdm.objective import Losses, Objective, Player, weighted
from kdm.students.student import Student, evaluating


class DistributionPlayer(nn.Module):
    """A student with the running moments of its samples, which belong to what a checkpoint keeps."""

    def __init__(
        self,
        student: Student,
        features: FeatureMap,
        stored: StoredMoments,
        *,
        decay: float,
        anchor: float,
    ) -> None:
        super().__init__()
        mean = stored.get_buffer("mean")
        self.student, self.stored = student, stored
        self.moments = RunningMoments(len(mean), decay, mean.device)
        self._features, self._anchor = features, anchor

    def loss(self, batch: Batch) -> Losses:
        """`frechet` and, with an anchor, `own`; moments move by each call.

        Until the averages are long enough, `frechet` counts nothing.
        """
        with evaluating(self.student):
            made = self.student.drawn(batch)
        with torch.autocast(made.device.type, enabled=False):
            found = self.stored.distance(*self.moments.take(self._features(made.float())))
        terms = {"frechet": found.float()}
        if self._anchor:
            terms["own"] = self.student.measure(batch).total
        is_followed = float(self.moments.are_long)
        return weighted(terms, {"frechet": is_followed, "own": self._anchor})

    def objective(self) -> Objective:
        """One player, whose model is the student."""
        player = Player("student", self, self.loss)
        return Objective(self.student, (player,), networks=self.student.objective().networks)
