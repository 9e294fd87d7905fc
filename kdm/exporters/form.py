"""What a form of exported students is: an ending, what writes it, and what runs it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Facts = Mapping[str, Any]  # of the student, in the file as JSON
# x_T float32 (n, *shape) and label int64 (n,) or None to x_0^ (n, *shape).
Run = Callable[[NDArray[Any], NDArray[Any] | None], NDArray[Any]]


class Form(NamedTuple):
    """One form of files."""

    ending: str
    needs: tuple[str, ...]  # packages of the extra `onnx`
    write: Callable[["ExportedProgram", Facts], bytes]
    open: Callable[[bytes], Run]
