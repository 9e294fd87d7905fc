"""Gradients are averaged over ranks while the backward pass goes on.

    g ← 1/R Σ_r g_r

The backward pass reaches the last layers first, so their gradients travel while those of the first layers
are still computed (Li et al. 2020, "PyTorch Distributed", Sec. 3.2.3). They go in buckets, each of which is
sent once all of it is there and those before it are sent: all ranks send equal messages in one order.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from kdm.collective import begin_adding_up_

BUCKET_BYTES = 25 * 2**20
# The first is small: the earlier the first message leaves, the more of them are hidden.
FIRST_BUCKET_BYTES = 2**20
Wait = Callable[[], None]


@contextmanager
def averaged_gradients(
    parameters: Sequence[Tensor],
    num_ranks: int,
    begin: Callable[[Tensor], Wait] = begin_adding_up_,
) -> Iterator[None]:
    """In the block, one backward pass completes the gradients; after it each is its mean over all ranks.

    Parameters have any shapes; one without a gradient is left out, on every rank. `begin` begins to add
    up a message, flat [number of values], in place and returns what waits for it. If the block raises
    an error, nothing more is sent.
    """
    means = _Means(_buckets(list(reversed(parameters))), num_ranks, begin)
    hooks = [
        each.register_post_accumulate_grad_hook(means.note)  # type: ignore[no-untyped-call]
        for each in parameters
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    means.finish()


class _Means:
    """The buckets of one backward pass, and the messages that are under way."""

    def __init__(
        self, buckets: list[list[Tensor]], num_ranks: int, begin: Callable[[Tensor], Wait]
    ) -> None:
        self._buckets, self._num_ranks, self._begin = buckets, num_ranks, begin
        self._bucket_of = {id(each): n for n, bucket in enumerate(buckets) for each in bucket}
        self._num_missing = [len(bucket) for bucket in buckets]
        self._sent: list[tuple[list[Tensor], Tensor, Wait]] = []

    def note(self, parameter: Tensor) -> None:
        """This parameter's gradient is complete; send the buckets that are so too."""
        self._num_missing[self._bucket_of[id(parameter)]] -= 1
        while len(self._sent) < len(self._buckets) and not self._num_missing[len(self._sent)]:
            self._send()

    def finish(self) -> None:
        """Send what is left, wait for all, and replace each gradient by its mean."""
        while len(self._sent) < len(self._buckets):
            self._send()
        for gradients, message, wait in self._sent:
            wait()
            means = torch.split(message / self._num_ranks, [each.numel() for each in gradients])
            for gradient, mean in zip(gradients, means, strict=True):
                gradient.copy_(mean.view(gradient.shape))

    def _send(self) -> None:
        bucket = self._buckets[len(self._sent)]
        gradients = [each.grad for each in bucket if each.grad is not None]
        if not gradients:
            self._sent.append(([], torch.empty(0), lambda: None))
            return
        message = torch.cat([each.reshape(-1) for each in gradients])
        self._sent.append((gradients, message, self._begin(message)))


def _buckets(parameters: Sequence[Tensor]) -> list[list[Tensor]]:
    """Parameters in their order, each bucket with at least one and as many as its bytes allow."""
    buckets, room = [list[Tensor]()], FIRST_BUCKET_BYTES
    for each in parameters:
        size = each.numel() * each.element_size()
        if buckets[-1] and size > room:
            buckets.append([])
            room = BUCKET_BYTES
        buckets[-1].append(each)
        room -= size
    return buckets
