"""Labels y on their way into a student that distinguishes classes (Sec. 4, "Control Modeling")."""

import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.image_shapes import OneHot
from kdm.shapes import Labels


def one_hot(label: Labels | None, num_classes: int, *, like: Tensor) -> OneHot | None:
    """One-hot rows [n, classes] of labels [n], on the device of `like` [n, …], float32 at least.

    None for a student that sees no label (0 classes). Raises a ValueError if labels are missing.
    """
    given, dtype = required(label, num_classes), torch.promote_types(like.dtype, torch.float32)
    return None if given is None else F.one_hot(given, num_classes).to(dtype)


def required(label: Labels | None, num_classes: int) -> Labels | None:
    """The labels [n] of a student that distinguishes classes; None if it doesn't.

    Raises a ValueError if it does and labels are missing.
    """
    if not num_classes:
        return None
    if label is None:
        raise ValueError(
            f"this student distinguishes {num_classes} classes and got no label; "
            f"give one of 0 … {num_classes - 1} for each sample"
        )
    return label


def require_known(label: Labels | None, num_classes: int) -> None:
    """Raise a ValueError for a label [n] outside 0 … num_classes − 1.

    On a GPU the host waits for the answer, so that training doesn't call this. Labels on the meta
    device are shapes alone.
    """
    if not num_classes or label is None or not len(label) or label.is_meta:
        return
    if label.min() < 0 or label.max() >= num_classes:
        raise ValueError(
            f"labels reach from {label.min()} to {label.max()}; "
            f"this student knows 0 … {num_classes - 1}"
        )
