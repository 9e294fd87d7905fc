"""What follows from weights alone, computed once and kept while they don't change.

PyTorch counts the changes of each tensor (`_version`), in place or by an optimiser. The count, the
tensor's identity and its address are a stamp: equal stamps mean equal weights.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from torch import nn

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """One thing made of modules' parameters; made again as soon as one of them has changed."""

    def __init__(self) -> None:
        self._stamp: tuple[object, ...] | None = None
        self._made: Made | None = None

    def of(self, modules: tuple[nn.Module, ...], make: Callable[[], Made], *, kind: str) -> Made:
        """What `make` gave for these modules as they are; `kind` names its other dependencies."""
        stamp = (
            kind,
            *(
                (id(each), each._version, each.data_ptr())
                for module in modules
                for each in module.parameters()
            ),
        )
        if self._made is None or stamp != self._stamp:
            self._made = None  # so that both are not in memory at once
            self._made, self._stamp = make(), stamp
        return self._made


def stand_still(modules: tuple[nn.Module, ...]) -> bool:
    """Whether no parameter learns, and a change of one would show in its stamp.

    Tensors made in inference mode don't count changes.
    """
    return not any(
        each.requires_grad or each.is_inference()
        for module in modules
        for each in module.parameters()
    )
