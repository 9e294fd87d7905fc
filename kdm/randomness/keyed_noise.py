"""Random numbers that belong to a sample: a pure function of its x_T, in any batch.

GET starts from noise z_0 when it samples too. With these numbers its output is a function of x_T alone,
so that a student's samples can be compared, cached and computed in any batches.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kdm.randomness.keyed_words import normal, words
from kdm.shapes import Samples


def keyed_normal(x_T: Samples, count: int) -> Float[Tensor, "n count"]:
    """(n, count) numbers of N(0, 1), float32, for x_T (n, ...); equal x_T get equal numbers.

    The key of a sample is a sum over the bits of its values, each mixed with its place.
    """
    bits = x_T.to(torch.float32).flatten(1).contiguous().view(torch.int32).to(torch.int64)
    # Sums of integers ignore order; the place of a value is mixed in before it is summed.
    key = words(bits, bits.shape[1]).sum(1, keepdim=True)
    return normal(words(key, count))
