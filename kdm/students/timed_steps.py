"""How kdm-t learns samples of several evaluations: by a network of its own, beside encoder and decoder.

    x_t ─S(·, t)─► z(t) ─e^{(t−s)A}─► z(s) = m_s          x_s = (σ_s / σ_T) x_T + γ_s m_s

S begins as the teacher's denoiser at every level, where `count` such steps are already about as close as one
trained evaluation. It has an optimiser of its own with a small rate: what a sample in one step asks of a
network undoes what many steps need, and the other way round (docs/results.md has both measured).
"""

from pydantic import Field

from storage.options import Options


class Steps(Options):
    """Samples of `count` evaluations are trained through all of them, on a share of each batch."""

    count: int = Field(4, ge=2, le=65)  # evaluations of such a sample
    share: float = Field(0.125, gt=0, le=1)  # of each batch
    rate: float = Field(0.1, gt=0)  # times the training's learning rate

    def require(self, num_steps: int) -> None:
        """Raise a ValueError for fewer evaluations than were trained, but one."""
        if 1 < num_steps < self.count:
            raise ValueError(
                f"num_steps is {num_steps}, but steps.count is {self.count}: such a student takes 1 "
                f"evaluation, or {self.count} and more; choose one of these, or train with steps.count "
                f"{num_steps}"
            )
