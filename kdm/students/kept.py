"""What follows from weights alone, computed once and kept while they stand still."""

from collections.abc import Callable
from typing import Generic, TypeVar

from torch import nn

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """One thing made of a module's parameters; made anew once one of them is another."""

    def __init__(self) -> None:
        self._stamp: tuple[object, ...] | None = None
        self._made: Made | None = None

    def of(self, modules: tuple[nn.Module, ...], make: Callable[[], Made], *, kind: str) -> Made:
        """What `make` gives for these modules; the `kind` tells what else it depends on."""
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
    """Whether no parameter learns, and a change of one would be seen."""
    return not any(
        each.requires_grad or each.is_inference()
        for module in modules
        for each in module.parameters()
    )
