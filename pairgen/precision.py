"""In what arithmetic a teacher's networks work, whatever torch allows by default.

float32 means it: torch lets cuDNN round the factors of float32 convolutions to TF32 unless it is told
not to. In bfloat16 and float16 the weights stay float32 and are rounded at each call. A sampler's
state keeps its own number type in all of them.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from pairgen.precisions import Precision
from pairgen.teachers.teacher import Teacher

DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@contextmanager
def arithmetic(precision: Precision, teacher: Teacher, device: torch.device) -> Iterator[None]:
    """Within it `teacher`, which is on `device`, works in this precision; before and after as it was.

    A ValueError for TF32 elsewhere than on a GPU, which alone has it.
    """
    if precision == "tf32" and device.type != "cuda":
        raise ValueError(
            f"precision is 'tf32', which a GPU has and '{device.type}' has not; choose 'float32', or "
            "run on a GPU with --device cuda"
        )
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32, teacher.dtype
    is_tf32 = precision == "tf32"
    try:
        _set("high" if is_tf32 else "highest", is_tf32, teacher, DTYPES[precision])
        yield
    finally:
        matmul, convolution, dtype = before
        _set(matmul, convolution, teacher, dtype)


def in_type(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Within it linear layers and convolutions work in `dtype`, for networks that do not choose."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def _set(matmul: str, convolution: bool, teacher: Teacher, dtype: torch.dtype) -> None:
    torch.set_float32_matmul_precision(matmul)
    torch.backends.cudnn.allow_tf32 = convolution
    teacher.dtype = dtype
