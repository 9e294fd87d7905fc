"""Arguments of `import kdm` that are torch's: devices, noise and labels; checked as all others are."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from flows.api.arguments import shown
from flows.device import settled_device

Classes = np.ndarray[tuple[int], np.dtype[np.int64]]


def known_device(value: object) -> torch.device:
    """A device of torch's that is there; a ValueError for anything else."""
    try:
        device = torch.device(value) if isinstance(value, str | torch.device) else None
    except RuntimeError:
        device = None
    if device is None:
        raise ValueError(
            f"device is {shown(value)}; it must be one of torch's, as 'cpu' or 'cuda:0'"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device is {shown(str(value))}, and torch finds {torch.cuda.device_count()} GPUs; use 'cpu'"
            " or another"
        )
    return device


def student_device(value: object) -> torch.device:
    """The same for 'cpu', 'cuda', one of several GPUs as 'cuda:1', or 'auto': a GPU if there is one."""
    if not isinstance(value, str) or value.partition(":")[0] not in ("cpu", "cuda", "auto"):
        raise ValueError(f"device is {shown(value)}; choose 'cpu', 'cuda' or 'auto'")
    return known_device(settled_device(value) if value == "auto" else value)


def require_noise(x_T: object, shape: tuple[int, ...], student: str, device: torch.device) -> None:
    """Raise a ValueError unless this is noise (n, *shape) that the student's network takes."""
    expected = f"{student} takes a float32 tensor of shape (n, {str(shape)[1:]} on {device}"
    if not isinstance(x_T, Tensor):
        raise ValueError(f"x_T is {shown(x_T)}; {expected}")
    if tuple(x_T.shape[1:]) != shape or not x_T.ndim:
        raise ValueError(f"x_T has shape {tuple(x_T.shape)}; {expected}")
    if x_T.dtype != torch.float32 or x_T.device != device:
        raise ValueError(f"x_T is of {x_T.dtype} on {x_T.device}; {expected}")


def require_labels(label: object, x_T: Tensor) -> None:
    """Raise a ValueError unless this is None, or one class number for each sample."""
    if label is None:
        return
    is_whole = isinstance(label, Tensor) and label.dtype == torch.int64
    if not isinstance(label, Tensor) or not is_whole or label.shape != x_T.shape[:1]:
        given = (
            f"of {label.dtype} with shape {tuple(label.shape)}"
            if isinstance(label, Tensor)
            else shown(label)
        )
        raise ValueError(
            f"label is {given}; it must be an int64 tensor of shape ({len(x_T):,},), a class for each x_T"
        )


def classes_of(label: object, num_classes: int, student: str) -> Classes:
    """A class, or several, as numbers; a ValueError unless the student knows them."""
    if not num_classes:
        raise ValueError(
            f"label is {shown(label)}, but {student} isn't class-conditional; leave it out"
        )
    is_list = isinstance(label, Sequence | np.ndarray) and not isinstance(label, str | bytes)
    asked = list(cast(Sequence[object], label)) if is_list else [label]
    if not asked or not all(_is_class(each, num_classes) for each in asked):
        raise ValueError(
            f"label is {shown(label)}; {student} knows the classes 0 … {num_classes - 1}: give one of them,"
            " or several"
        )
    return cast(Classes, np.array(asked, np.int64))


def _is_class(value: object, num_classes: int) -> bool:
    is_number = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_number and 0 <= int(cast(int, value)) < num_classes
