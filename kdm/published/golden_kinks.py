"""When round-off decides a critic's slope: inputs of LeakyReLU next to its kink at 0.

An input so close to 0 that float32 may put it on either side hardly changes the values behind it, but its
gradient has one slope or the other: for three pictures of 3×32×32 that moves a gradient by up to 1e-3 of
its norm. The side depends on the processor, the golden's and this one. So each such input is put on the
other side in float64, and the check allows for the difference.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# Of a layer's largest input. Of 86,000 inputs the round-off of float32 is at most 3e-6 of it.
NEAR = 5e-6


class Kinks:
    """Counts the inputs next to a kink in the passes that it watches; number `other` changes sides.

    Numbers run from 0 over all LeakyReLUs in the order of the pass. None: none of them moves.
    """

    def __init__(self, other: int | None = None) -> None:
        self.num, self._other = 0, other

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Watch every pass of the network while the block runs."""
        layers = [each for each in network.modules() if isinstance(each, nn.LeakyReLU)]
        handles = [each.register_forward_hook(self._seen) for each in layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _seen(self, layer: nn.LeakyReLU, given: tuple[Tensor], made: Tensor) -> Tensor | None:
        (x,) = given
        near = (x.abs() <= NEAR * x.abs().max()).flatten().nonzero().flatten()
        first, self.num = self.num, self.num + len(near)
        if self._other is None or not first <= self._other < self.num:
            return None
        is_other = torch.zeros(x.numel(), dtype=torch.bool, device=x.device)
        is_other[near[self._other - first]] = True
        slope = torch.where(x < 0, 1.0, layer.negative_slope)
        return torch.where(is_other.view(x.shape), slope * x, made)
