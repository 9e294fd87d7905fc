"""Group normalisation of large maps in channels_last, for whose gradient torch takes three times as long.

    y = (x − μ) r w + b,   ∂x = r w ∂y + s x + l

in every group of m values, μ their mean and r one over their deviation (Wu & He 2018); s and l, one number a
group, follow from the sums of ∂y w and of ∂y w x. Rounding differs from torch's, nothing else.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from kdm.networks.image_shapes import Images
from kdm.networks.memory_format import is_large, is_plain

_ByGroup = Float[Tensor, "n groups"]
_ByChannel = Float[Tensor, "n c"]


def is_faster(x: Images) -> bool:
    """Whether it is faster than torch's for x (n, c, h, w): for large maps, in training on a CPU."""
    return is_large(x) and x.is_contiguous(memory_format=torch.channels_last) and is_plain(x)


def group_norm(x: Images, num_groups: int, weight: Tensor, bias: Tensor, eps: float) -> Images:
    """`F.group_norm` of x (n, c, h, w); torch's kernel forwards, our own gradient."""
    y: Images = _GroupNorm.apply(x, num_groups, weight, bias, eps)  # type: ignore[no-untyped-call]
    return y


class _GroupNorm(torch.autograd.Function):
    """Forward and gradient of a map in channels_last, whose rows are the pixels of an image."""

    @staticmethod
    def forward(
        ctx: Any, x: Images, num_groups: int, weight: Tensor, bias: Tensor, eps: float
    ) -> Images:
        """torch's kernel, whose means and inverse deviations (n, groups) are kept for the gradient."""
        num, channels, height, width = x.shape
        y, mean, inverse = torch.native_group_norm(
            x, weight, bias, num, channels, height * width, num_groups, eps
        )
        ctx.save_for_backward(x, weight, mean, inverse)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_y: Images) -> tuple[Tensor | None, ...]:
        """∂x (n, c, h, w), ∂w and ∂b (c,) from ∂y: two sums over pixels, then one pass over the map."""
        x, weight, mean, inverse = ctx.saved_tensors
        rows, of_rows = _rows(x), _rows(of_y)
        size = x[0].numel() // mean.shape[1]
        sums, moments = of_rows.sum(1), (of_rows * rows).sum(1)
        by_group = [_by_group(each * weight, mean.shape[1]) for each in (sums, moments)]
        slope = (by_group[0] * mean - by_group[1]) * inverse.pow(3) / size
        level = -slope * mean - by_group[0] * inverse / size
        mean, inverse, slope, level = (
            each.repeat_interleave(x.shape[1] // mean.shape[1], 1)
            for each in (mean, inverse, slope, level)
        )
        of_x = torch.addcmul(level[:, None], rows, slope[:, None])
        of_x.addcmul_(of_rows, (inverse * weight)[:, None])
        of_weight = ((moments - sums * mean) * inverse).sum(0)
        of_x = of_x.view(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
        return of_x, None, of_weight, sums.sum(0), None


def _rows(x: Images) -> Float[Tensor, "n pixels c"]:
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _by_group(values: _ByChannel, num_groups: int) -> _ByGroup:
    return values.view(len(values), num_groups, -1).sum(2)
