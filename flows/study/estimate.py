"""How long the missing students of a study take: by those that are there, or else by what its file says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from flows.study.trials import Plan


@dataclass
class Estimate:
    """CPU seconds of a student on one core; None if nobody knows yet."""

    seconds: float | None
    _started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """What the study's file says for this data."""
        return cls(plan.study.on[plan.data].seconds)

    def rate_and_rest(self, shares: Sequence[float], jobs: int) -> tuple[float, float]:
        """Students a second and seconds to go; `shares` are how much of each missing one is done."""
        rest = sum(1 - share for share in shares)
        done = len(shares) - rest
        elapsed = max(time.monotonic() - self._started, 1e-6)
        if done >= 1:
            return done / elapsed, rest * elapsed / done
        if self.seconds is None or not shares:
            return 0.0, 0.0
        rate = min(jobs, len(shares)) / self.seconds
        return rate, rest / rate
