"""The moving average of a model's trainable parameters; frozen ones and buffers are not averaged."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kdm.training.options import EmaOptions


class Ema:
    """θ̄ ← β θ̄ + (1 − β) θ after every step; without options θ̄ is θ."""

    def __init__(self, model: nn.Module, options: EmaOptions | None) -> None:
        self._model = model
        self._options = options
        named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._average = [each.detach().clone() for each in self._parameters] if options else []

    @torch.no_grad()
    def update(self, num_steps: int) -> None:
        """Take in the weights after `num_steps` steps."""
        if self._options is not None:
            share = 1 - decay(self._options, num_steps)
            torch._foreach_lerp_(self._average, list(self._parameters), share)

    def state(self) -> dict[str, Tensor]:
        """The averages by parameter name; empty without options."""
        return dict(zip(self._names, self._average, strict=True)) if self._options else {}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        for name, average in self.state().items():
            average.copy_(state[name])

    def model_state(self) -> dict[str, Tensor]:
        """The model's state dict with averages in place of its trainable parameters."""
        return {**self._model.state_dict(), **self.state()}


def decay(options: EmaOptions, num_steps: int) -> float:
    """β after `num_steps` steps: it grows with the run until `options.decay` is reached."""
    if options.warmup is None:
        return options.decay
    return min(options.decay, 1 - 1 / (1 + options.warmup * num_steps))
