"""The moving average of a model's weights, which is what a training exports.

    θ̄ ← β θ̄ + (1 − β) θ after every step,   β = min(decay, 1 − 1 / (1 + warmup · steps))

Averaged iterates have less of the noise of single steps (Polyak and Juditsky 1992), and samples of
diffusion models depend on it strongly (Karras et al. 2024, Sec. 3). The published code has β = 0.9999
from the first step, so that θ̄ holds e^−1 of the initial weights after 10,000 steps. Here the average spans
at most a share of the run so far, as EDM's does (Karras et al. 2022, whose training code ramps it up).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from kdm.training.options import Span


class Ema:
    """θ̄ of a model's trainable parameters θ; frozen parameters and buffers aren't averaged.

    It starts as a copy of θ. Without options θ̄ is θ.
    """

    def __init__(self, model: nn.Module, options: Span | None) -> None:
        self.model = model
        self._options = options
        named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._average = [each.detach().clone() for each in self._parameters] if options else []

    @torch.no_grad()
    def update(self, num_steps: int) -> None:
        """θ̄ ← β θ̄ + (1 − β) θ with the weights as they are after `num_steps` steps."""
        if self._options is not None:
            share = 1 - decay(self._options, num_steps)
            torch._foreach_lerp_(self._average, list(self._parameters), share)

    def state(self) -> dict[str, Tensor]:
        """θ̄ by parameter name, each of its parameter's shape and not a copy; empty without options."""
        return dict(zip(self._names, self._average, strict=True)) if self._options else {}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state` gave, of the same shapes; a KeyError if a parameter is missing."""
        for name, average in self.state().items():
            average.copy_(state[name])

    def model_state(self) -> dict[str, Tensor]:
        """The model's state dict with θ̄ for its trainable parameters, shapes alike: this is exported."""
        return {**self.model.state_dict(), **self.state()}


@contextmanager
def averaged(ema: Ema) -> Iterator[None]:
    """Give the average's model its averaged weights and eval mode in the block; restore both afterwards."""
    model = ema.model
    modes = [(module, module.training) for module in model.modules()]
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(ema.model_state())
    model.eval()
    try:
        yield
    finally:
        model.load_state_dict(own)
        for module, is_training in modes:
            module.training = is_training


def decay(options: Span, num_steps: int) -> float:
    """β after `num_steps` steps; with a warm-up it grows until `options.decay` is reached.

    1 / (1 − β) = 1 + warmup · steps is how many steps the average spans.
    """
    if options.warmup is None:
        return options.decay
    return min(options.decay, 1 - 1 / (1 + options.warmup * num_steps))
