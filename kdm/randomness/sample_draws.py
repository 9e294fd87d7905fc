"""Random numbers that belong to a sample of a step, in any process and any batch.

    key of a sample = word `place` of sha256(seed/step/sample);   call c draws words of word c of that key

`place` is where the sample is in the step's batch. So a step's random numbers are the same on any
number of ranks and in any micro-batches, as with counter-based generators (Salmon et al. 2011).
"""

import hashlib
import math

import torch
from torch import Tensor

from kdm.randomness.draws import Draws
from kdm.randomness.keyed_words import Words, normal, uniform, words
from kdm.shapes import Indices

# Words of a sample that are reserved for the calls of a step; those of its second row come behind them.
_CALLS = 2**20
_LEVELS = 2**16  # of a share that drops out: four values of 16 bits come from one word


class SampleDraws(Draws):
    """A pure function of (seed, step, the sample's place in the step's batch, number of the call).

    The drawn rows belong to the samples in order. If there are more rows than samples, they start
    again from the first, with other words: two batches that pass a network as one. If there are
    fewer, they belong to the first samples.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: Words = torch.empty(0, 1, dtype=torch.int64)
        self._num_calls = 0

    def turn_to(self, step: int, place: Indices) -> "SampleDraws":
        """Give the numbers of a step's samples from now on, from their first call.

        `place` (n,) are the samples' places in the step's batch.
        """
        digest = hashlib.sha256(f"{self._seed}/{step}/sample".encode()).digest()
        key = torch.tensor([[int.from_bytes(digest[:8], "big", signed=True)]], device=place.device)
        self._keys = words(key, 1, first=place[:, None])
        self._num_calls = 0
        return self

    def normal(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return normal(self._drawn(shape, like, axis)).to(like.dtype)

    def normal_like(self, x: Tensor) -> Tensor:
        return self.normal(tuple(x.shape), like=x)

    def uniform(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return uniform(self._drawn(shape, like, axis)).to(like.dtype)

    def coins(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return self._drawn(shape, like, axis) & 1

    def dropout(self, x: Tensor, share: float) -> Tensor:
        if not share:
            return x
        count = math.prod(x.shape[1:])
        parts = self._words(len(x), -(-count // 4), x.device).view(torch.int16)
        # Signed numbers of 16 bits begin at −2¹⁵.
        num_dropped = min(round(share * _LEVELS), _LEVELS - 1)
        is_kept = parts[:, :count].reshape(x.shape) >= num_dropped - _LEVELS // 2
        return x * (is_kept.to(x.dtype) * (_LEVELS / (_LEVELS - num_dropped)))

    def _drawn(self, shape: tuple[int, ...], like: Tensor, axis: int) -> Words:
        rest = shape[:axis] + shape[axis + 1 :]
        drawn = self._words(shape[axis], math.prod(rest), like.device)
        return drawn.reshape(shape[axis], *rest).movedim(0, axis)

    def _words(self, num_rows: int, count: int, device: torch.device) -> Words:
        call = self._num_calls
        self._num_calls += 1
        own = _as_one_operation if torch.compiler.is_compiling() else _words_of
        return own(self._keys.to(device), call, num_rows, count)


def _words_of(keys: Tensor, call: int, num_rows: int, count: int) -> Tensor:
    """Words (num_rows, count) of the samples' keys (n, 1), for call number `call`."""
    if num_rows <= len(keys):
        return words(words(keys[:num_rows], 1, first=call), count)
    row = torch.arange(num_rows, device=keys.device)
    again, sample = row // len(keys), row % len(keys)
    own = words(keys[sample], 1, first=(call + _CALLS * again)[:, None])
    return words(own, count)


# torch.compile's own kernels can't count in integers that wrap. Calling this imports the compiler.
_as_one_operation = torch.library.custom_op("kdm::words_of", _words_of, mutates_args=())


@_as_one_operation.register_fake
def _(keys: Tensor, call: int, num_rows: int, count: int) -> Tensor:
    return keys.new_empty(num_rows, count)
