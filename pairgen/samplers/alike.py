"""The check that an answer has the shape and the number type of the state."""

from kdm.shapes import Samples
from kdm.torch_types import Tensor
from storage.errors import InvalidPairsError


def alike(found: object, x: Samples, what: str) -> Samples:
    """`found` itself, [n, *shape] as x; InvalidPairsError unless it has x's shape and number type.

    A velocity of another shape might broadcast, and one sample would become another's.
    """
    if not isinstance(found, Tensor) or found.shape != x.shape or found.dtype != x.dtype:
        raise InvalidPairsError(
            f"{what} is {_described(found)}, but x is {_described(x)}; both must have the same "
            "number type and shape"
        )
    return found


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
