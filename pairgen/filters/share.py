"""A share that was counted, k of n, with its exact interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """k of n."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """k / n; 0 of none."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % interval."""
        from scipy.stats import binomtest  # half a second, which `kdm --help` need not wait for

        found = (
            binomtest(self.count, self.of).proportion_ci(0.95, "exact") if self.of else (0.0, 1.0)
        )
        return float(found[0]), float(found[1])
