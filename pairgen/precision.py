"""The arithmetic of a teacher's networks, regardless of torch's defaults.

| precision | factors of a product | its sum |
|---|---|---|
| float32  | 24 significant bits | float32 |
| tf32     | rounded to 11 bits, on a GPU | float32 |
| bfloat16 | rounded to 8 bits | float32 |
| float16  | rounded to 11 bits, range 6e-8 to 65504 | float32 |

float32 means float32: torch lets cuDNN round the factors of float32 convolutions to TF32 unless
that is switched off. In bfloat16 and float16 the weights stay float32 and are rounded at each call.
A sampler's state keeps its own number type in all of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from kdm.torch_types import device as Device
from pairgen.late_field import Teacher

Precision = Literal["float32", "tf32", "bfloat16", "float16"]


@contextmanager
def arithmetic(precision: Precision, teacher: Teacher, device: Device) -> Iterator[None]:
    """Within it `teacher`, which is on `device`, computes in this precision; afterwards as before.

    A ValueError for TF32 on a CPU, which doesn't have it.
    """
    import torch  # here, because recipes import this file and must start without torch

    if precision == "tf32" and device.type != "cuda":
        raise ValueError(
            f"precision is 'tf32', which needs a GPU, but the device is '{device.type}'; choose "
            "'float32', or run on a GPU with --device cuda"
        )
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, teacher.dtype
    is_tf32 = precision == "tf32"
    try:
        torch.set_float32_matmul_precision("high" if is_tf32 else "highest")
        cudnn.allow_tf32 = is_tf32
        teacher.dtype = getattr(torch, "float32" if is_tf32 else precision)
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32, teacher.dtype = before[1:]
