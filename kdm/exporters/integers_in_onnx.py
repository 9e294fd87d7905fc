"""Operations on integers that ONNX files need others for: bits of numbers, and sums that wrap.

    |x| = (1 + m / 2²³) 2^e   →   bits = (e + 127) 2²³ + m, less 2³¹ for x < 0

ONNX has an operation for bits since BitCast of opset 26, but torch's exporter writes opset 23 at most and
can't translate `view(dtype)`. Here a number is multiplied by powers of two until it lies in 1 … 2: that
rounds nothing. −0 gets the bits of 0, and numbers below 2^-126 get them too.

ONNX Runtime adds 64-bit integers as float64, which rounds from 2^53 on and doesn't wrap at 2^63. Here halves
of 32 bits are added, so that sums of up to 2^21 numbers are those of PyTorch.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch

_FLOAT, _INT32, _INT64, _UINT64 = 1, 6, 7, 13  # of onnx.TensorProto
_MANTISSA, _BIAS = 23, 127  # its bits; what is added to an exponent
_STEPS = (64, 32, 16, 8, 4, 2, 1)  # any exponent is a sum of some of them
_HALF = 32


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """By PyTorch's operation, for torch.onnx.export's `custom_translation_table`."""
    aten = torch.ops.aten
    return {aten.view.dtype: _float_bits, aten.sum.dim_IntList: _sum}


def _float_bits(x: Any, dtype: int) -> Any:
    """`x.view(torch.int32)` of float32 x; a ValueError for any other type."""
    op = _operations()
    if (int(x.dtype), int(dtype)) != (_FLOAT, _INT32):
        raise ValueError(f"type {x.dtype} seen as {dtype}: only float32 as int32 is known")
    one, zero = _number(1), _number(0)
    is_tiny = op.Less(op.Abs(x), _number(2.0**-126))
    size, exponent = op.Where(is_tiny, one, op.Abs(x)), zero
    for step in _STEPS:  # down to below 2
        is_large = op.GreaterOrEqual(size, _number(2.0**step))
        size = op.Where(is_large, op.Mul(size, _number(2.0**-step)), size)
        exponent = op.Add(exponent, op.Where(is_large, _number(step), zero))
    for step in _STEPS:  # up to at least 1
        is_small = op.Less(size, _number(2.0 ** (1 - step)))
        size = op.Where(is_small, op.Mul(size, _number(2.0**step)), size)
        exponent = op.Sub(exponent, op.Where(is_small, _number(step), zero))
    mantissa = op.Cast(op.Mul(op.Sub(size, one), _number(2.0**_MANTISSA)), to=_INT32)
    exponent = op.Cast(op.Add(exponent, _number(_BIAS)), to=_INT32)
    bits = op.Add(op.Mul(exponent, _integer(2**_MANTISSA)), mantissa)
    signed = op.Where(op.Less(x, zero), op.Add(bits, _integer(-(2**31))), bits)
    return op.Where(is_tiny, _integer(0), signed)


def _sum(x: Any, dim: Sequence[int] | None = None, keepdim: bool = False, dtype: int = -1) -> Any:
    """`x.sum(dim, keepdim, dtype)`; of 64-bit integers modulo 2^64."""
    op = _operations()
    x = x if dtype in (-1, None) else op.Cast(x, to=dtype)
    axes = () if not dim else (_constant(np.array(dim, np.int64)),)
    if int(x.dtype) != _INT64:
        return op.ReduceSum(x, *axes, keepdims=keepdim)
    low = op.BitwiseAnd(x, _constant(np.int64(2**_HALF - 1)))
    shifted = op.BitShift(op.Cast(x, to=_UINT64), _constant(np.uint64(_HALF)), direction="RIGHT")
    high = op.Cast(shifted, to=_INT64)
    sums = [op.ReduceSum(each, *axes, keepdims=keepdim) for each in (low, high)]
    return op.Add(sums[0], op.Mul(sums[1], _constant(np.int64(2**_HALF))))


def _number(value: float) -> Any:
    return _constant(np.float32(value))


def _integer(value: int) -> Any:
    return _constant(np.int32(value))


def _constant(value: Any) -> Any:
    tensor = import_module("onnx_ir").tensor
    return _operations().Constant(value=tensor(np.asarray(value)))


def _operations() -> Any:
    """Those of ONNX, opset 18, from which torch's exporter goes on; an extra, so imported only to export."""
    return import_module("onnxscript").opset18
