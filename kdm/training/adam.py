"""Adam (Kingma and Ba 2015) by PyTorch's fused kernel, with a state that is always complete.

The numbers are those of `torch.optim.Adam(fused=True)`, bit for bit. That class imports PyTorch's
compiler, a second of CPU time for each training process, and builds its state only as it steps.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kdm.training.options import TrainingOptions


class Adam:
    """The optimiser of one player's trainable parameters."""

    def __init__(self, module: nn.Module, options: TrainingOptions) -> None:
        named = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._exp_avg = [torch.zeros_like(each) for each in self._parameters]
        self._exp_avg_sq = [torch.zeros_like(each) for each in self._parameters]
        # One count for each parameter: one that got no gradient has not stepped.
        self._steps = [torch.zeros((), device=each.device) for each in self._parameters]
        self._betas = options.betas
        self._epsilon = options.epsilon

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self._parameters:
            parameter.grad = None

    def gradients(self) -> dict[str, Tensor]:
        """Those that the next step follows, by parameter name."""
        named = zip(self._names, self._parameters, strict=True)
        return {name: grad for name, each in named if (grad := each.grad) is not None}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient."""
        moving = [row for row, each in enumerate(self._parameters) if each.grad is not None]
        steps = [self._steps[row] for row in moving]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            [self._parameters[row] for row in moving],
            [grad for each in self._parameters if (grad := each.grad) is not None],
            [self._exp_avg[row] for row in moving],
            [self._exp_avg_sq[row] for row in moving],
            [],
            steps,
            lr=learning_rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=self._epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """`PARAMETER/exp_avg`, `PARAMETER/exp_avg_sq` and `PARAMETER/step` of each parameter."""
        return {
            f"{name}/{part}": tensors[row]
            for part, tensors in self._parts()
            for row, name in enumerate(self._names)
        }

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        for part, tensors in self._parts():
            for name, tensor in zip(self._names, tensors, strict=True):
                tensor.copy_(state[f"{name}/{part}"])

    def _parts(self) -> list[tuple[str, list[Tensor]]]:
        return [("exp_avg", self._exp_avg), ("exp_avg_sq", self._exp_avg_sq), ("step", self._steps)]
