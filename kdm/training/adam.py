"""Adam (Kingma and Ba 2015), with a state that is complete from the start.

Its numbers are those of `torch.optim.Adam(fused=True)`, bit for bit. That class makes its state only as
it steps, so that a checkpoint before the first step, or one of a player who rests, would lack it.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from kdm.training.fused_adam import Moving, Rule, fused_adam
from kdm.training.options import TrainingOptions


class Adam:
    """The optimiser of a module's parameters with `requires_grad`, without those of some of its parts.

    For each parameter θ it keeps m and v of θ's shape, and t, the number of steps that θ has made.
    """

    def __init__(
        self, module: nn.Module, options: TrainingOptions, *, without: Sequence[nn.Module] = ()
    ) -> None:
        left_out = {each for part in without for each in part.parameters()}
        named = [
            (name, each)
            for name, each in module.named_parameters()
            if each.requires_grad and each not in left_out
        ]
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._exp_avg = [torch.zeros_like(each) for each in self._parameters]
        self._exp_avg_sq = [torch.zeros_like(each) for each in self._parameters]
        # t belongs to a parameter, not to the run: one without a gradient hasn't stepped, and the
        # bias corrections 1 − βᵗ of Kingma and Ba (2015, Sec. 3) follow from its own t.
        self._steps = [torch.zeros((), device=each.device) for each in self._parameters]
        self._betas = options.betas
        self._epsilon = options.epsilon

    @property
    def parameters(self) -> Sequence[Tensor]:
        """What it moves, in the module's order, each of its own shape."""
        return self._parameters

    def zero_grad(self) -> None:
        """Drop the gradients of the last step, so that the next ones don't add up with them."""
        for parameter in self._parameters:
            parameter.grad = None

    def gradients(self) -> dict[str, Tensor]:
        """The gradients that the next step follows, by parameter name; each has its parameter's shape.

        A parameter that no loss reached doesn't have one and is left out.
        """
        named = zip(self._names, self._parameters, strict=True)
        return {name: grad for name, each in named if (grad := each.grad) is not None}

    @torch.no_grad()
    def step(self, learning_rate: float, *, beta_2: float | None = None) -> None:
        """Move every parameter that has a gradient; the others stay and don't age.

        `learning_rate` is this step's η (kdm/training/schedule.py), and `beta_2` its β₂, if it isn't
        the training's.
        """
        moving = [row for row, each in enumerate(self._parameters) if each.grad is not None]
        own = self._parameters, self._exp_avg, self._exp_avg_sq, self._steps
        fused_adam(
            Moving(*([tensors[row] for row in moving] for tensors in own)),
            Rule(
                learning_rate,
                (self._betas[0], self._betas[1] if beta_2 is None else beta_2),
                self._epsilon,
            ),
        )

    def state(self) -> dict[str, Tensor]:
        """`PARAMETER/exp_avg` (m), `PARAMETER/exp_avg_sq` (v) and `PARAMETER/step` (t) of each one.

        m and v have the parameter's shape, t is a scalar []. The tensors are the optimiser's own, not
        copies: they change with the next step.
        """
        return {
            f"{name}/{part}": tensors[row]
            for part, tensors in self._parts()
            for row, name in enumerate(self._names)
        }

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state` gave, of the same shapes; a KeyError if a parameter is missing."""
        for part, tensors in self._parts():
            for name, tensor in zip(self._names, tensors, strict=True):
                tensor.copy_(state[f"{name}/{part}"])

    def _parts(self) -> list[tuple[str, list[Tensor]]]:
        return [("exp_avg", self._exp_avg), ("exp_avg_sq", self._exp_avg_sq), ("step", self._steps)]
