"""Winograd's convolution with gradients (Lavin & Gray 2016, Sec. 4; see winograd.py).

    y = Aᵀ [U ⊙ V] A, U = G g Gᵀ, V = Bᵀ d B     D = A ∂y Aᵀ     ∂d = B [U ⊙ D] Bᵀ     ∂g = Gᵀ [V ⊙ D] G

d is a tile of the input and g a kernel, ∂ a gradient. Each ⊙, summed over channels or tiles, is 36 products
of matrices; D serves both gradients. V is kept for ∂g instead of d, which is 4/9 of its size. Maps keep their
memory format.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from kdm.networks.fast import processor
from kdm.networks.fast.winograd import (
    INPUT,
    KERNEL,
    OUTPUT,
    AnyKernels,
    Biases,
    Columns,
    Kernels,
    place,
    points_of,
    tiles_of,
)
from kdm.networks.image_shapes import Images, Maps
from kdm.networks.memory_format import is_plain

# For maps of at least so many pixels: the least channels in times out. With fewer the transforms cost what
# the products save.
_LEAST_WEIGHTS = {32**2: 2**12, 16**2: 2**14}
_TILES_AT_ONCE = 2**7  # they stay in the cache, and are enough for a product of matrices
_TILE, _OUT = 6, 4  # pixels a side


def is_faster(x: Images, weight: AnyKernels) -> bool:
    """Whether it is faster than torch's in training: wide convolutions of larger maps, if `is_plain`."""
    height, width = x.shape[2:]
    least = next((few for size, few in _LEAST_WEIGHTS.items() if height * width >= size), None)
    return (
        least is not None
        and weight.shape[2:] == (3, 3)
        and weight[:, :, 0, 0].numel() >= least
        and height % _OUT == width % _OUT == 0
        and is_plain(x)
        and not processor.has_wide_vectors()
    )


def convolve(x: Images, weight: Kernels, bias: Biases) -> Maps:
    """`conv2d(x, weight, bias, padding=1)` of x (n, c, h, w), differentiable once.

    h and w must be multiples of four.
    """
    y: Maps = _Convolution.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


class _Convolution(torch.autograd.Function):
    """Groups of images pass one after another, so that a group's tiles stay in the cache."""

    @staticmethod
    def forward(ctx: Any, x: Images, weight: Kernels, bias: Biases) -> Maps:
        """y (n, o, h, w); the transformed tiles are kept if the kernel needs a gradient."""
        points, kept = points_of(weight), []
        y = _empty_like(x, len(weight))
        for part in _parts(x):
            tiles = _at_points(INPUT, tiles_of(x[part]), x)
            if ctx.needs_input_grad[1]:
                kept.append(tiles)
            products = torch.bmm(tiles, points)
            place(OUTPUT @ products.flatten(1), bias, y[part].permute(0, 2, 3, 1))
        ctx.save_for_backward(weight, *kept)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_y: Maps) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """∂x, ∂g and ∂b, each only if it is needed."""
        weight, *kept = ctx.saved_tensors
        has_x, has_weight, has_bias = ctx.needs_input_grad
        points = points_of(weight).transpose(1, 2)
        of_x = _empty_like(of_y, weight.shape[1]) if has_x else None
        of_points = torch.zeros_like(points.mT) if has_weight else None
        for number, part in enumerate(_parts(of_y)):
            errors = _at_points(OUTPUT.T, _blocks(of_y[part]), of_y)
            if of_points is not None:
                of_points.baddbmm_(kept[number].mT, errors)
            if of_x is not None:
                _spread(INPUT.T @ torch.bmm(errors, points).flatten(1), of_x[part])
        of_weight = None if of_points is None else _kernels(of_points)
        return of_x, of_weight, of_y.sum((0, 2, 3)) if has_bias else None


def _parts(x: Images) -> Iterator[slice]:
    """Slices of as many images as have enough tiles for a product of matrices."""
    at_once = max(1, _TILES_AT_ONCE * _OUT**2 // (x.shape[2] * x.shape[3]))
    for first in range(0, len(x), at_once):
        yield slice(first, first + at_once)


def _empty_like(x: Images, num_channels: int) -> Maps:
    """An empty map (n, num_channels, h, w) in x's memory format."""
    is_last = x.is_contiguous(memory_format=torch.channels_last)
    order = torch.channels_last if is_last else torch.contiguous_format
    shape = len(x), num_channels, *x.shape[2:]
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=order)


def _at_points(matrix: Tensor, columns: Columns, x: Images) -> Tensor:
    """The values (36, tiles, channels of x) at the points."""
    return (matrix @ columns).view(len(matrix), -1, x.shape[1])


def _blocks(y: Images) -> Columns:
    """(16, tiles · o): each pixel of all blocks of 4×4 of y, which don't overlap."""
    num, channels, height, width = y.shape
    blocks = y.reshape(num, channels, height // _OUT, _OUT, width // _OUT, _OUT)
    return blocks.permute(3, 5, 0, 2, 4, 1).reshape(_OUT**2, -1)


def _spread(pixels: Columns, x: Images) -> None:
    """Write pixels (36, tiles · c) into x, summed where tiles overlap, without the margin."""
    num, channels, height, width = x.shape
    down, across = height // _OUT, width // _OUT
    tiles = pixels.view(_TILE, _TILE, num, down, across, channels).permute(2, 3, 0, 4, 1, 5)
    summed = x.new_zeros(num, down + 1, _OUT, across + 1, _OUT, channels)
    summed[:, :down, :, :across] = tiles[:, :, :_OUT, :, :_OUT]
    summed[:, 1:, : _TILE - _OUT, :across] += tiles[:, :, _OUT:, :, :_OUT]
    summed[:, :down, :, 1:, : _TILE - _OUT] += tiles[:, :, :_OUT, :, _OUT:]
    summed[:, 1:, : _TILE - _OUT, 1:, : _TILE - _OUT] += tiles[:, :, _OUT:, :, _OUT:]
    whole = summed.view(num, height + _OUT, width + _OUT, channels).permute(0, 3, 1, 2)
    x.copy_(whole[:, :, 1 : height + 1, 1 : width + 1])


def _kernels(of_points: Tensor) -> Kernels:
    """Gradients of kernels (o, c, 3, 3) from those at the points (36, c, o): Gᵀ · G."""
    taps = KERNEL.T @ of_points.flatten(1)
    return taps.view(3, 3, *of_points.shape[1:]).permute(3, 2, 0, 1)
