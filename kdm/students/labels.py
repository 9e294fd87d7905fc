"""Labels on their way into a student that tells classes apart."""

import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.image_shapes import OneHot
from kdm.shapes import Labels


def one_hot(label: Labels | None, num_classes: int, *, like: Tensor) -> OneHot | None:
    """[n, classes] beside `like`, float32 at least; None for a student that sees no label (0 classes)."""
    given, dtype = required(label, num_classes), torch.promote_types(like.dtype, torch.float32)
    return None if given is None else F.one_hot(given, num_classes).to(dtype)


def required(label: Labels | None, num_classes: int) -> Labels | None:
    """The labels, or a ValueError where there are none; None where there are no classes."""
    if not num_classes:
        return None
    if label is None:
        raise ValueError(
            f"this student tells {num_classes} classes apart and was given no label; "
            f"give one of 0 … {num_classes - 1} for each sample"
        )
    return label


def require_known(label: Labels | None, num_classes: int) -> None:
    """A ValueError for a label that is no class; a GPU waits for the answer."""
    if not num_classes or label is None or not len(label):
        return
    if label.min() < 0 or label.max() >= num_classes:
        raise ValueError(
            f"labels reach from {label.min()} to {label.max()}; "
            f"this student knows 0 … {num_classes - 1}"
        )
