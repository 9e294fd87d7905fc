"""What a kind of pickle may say: the names in it, and what a call of each stands for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from storage.inert.values import Blob, Made, StorageName, tensor_name

Answer = Callable[[str, tuple[Any, ...]], Any]  # None: it is called as it never is


@dataclass(frozen=True)
class Dialect:
    """Pickles of one kind; a name that is not in `answers` or `names` is refused."""

    of: str
    answers: Mapping[str, Answer]
    max_opcodes: int  # of the longest known about a third
    max_bytes: int  # of its text, and of all of it if it is in a zip
    names: frozenset[str] = frozenset()  # that are never called
    classes: frozenset[str] = frozenset()  # of `answers`, those that NEWOBJ makes
    packages: tuple[
        str, ...
    ] = ()  # with a dot at their end: what is called of them is kept as it is
    remedy: str = ""  # what to do about a name that is refused

    def require_name(self, module: str, name: str) -> None:
        """A ValueError unless pickles of this kind hold the name."""
        known = f"{module} {name}"
        if known not in self.answers and known not in self.names and not self.keeps(known):
            shown = f"{module[:80]}.{name[:80]}"
            raise ValueError(
                f"its pickle names '{shown}', which isn't allowed in a {self.of}{self.remedy}"
            )

    def builds(self, name: str) -> bool:
        """Whether NEWOBJ may make it."""
        return name in self.classes or self.keeps(name)

    def keeps(self, name: str) -> bool:
        """Whether it is of a package of which all is kept as it is."""
        return name.startswith(self.packages)

    def called(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """What the call stands for; a ValueError if pickles of this kind don't make such a call."""
        answer = self.answers.get(name, _as_it_is if self.keeps(name) else None)
        value = answer(name, arguments) if answer else None
        if value is None:
            raise ValueError(
                f"its pickle calls {name.replace(' ', '.')} in a way that is not read{self.remedy}"
            )
        return value


def as_dict(_name: str, arguments: tuple[Any, ...]) -> Any:
    """A kind of dict, made empty."""
    return None if arguments else {}


def _as_it_is(name: str, arguments: tuple[Any, ...]) -> Any:
    return Made(name, arguments)


def _tensor(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (StorageName() | Blob() as storage, offset, shape, strides, bool(), dict()):
            return tensor_name(storage, offset, shape, strides)
    return None


TENSORS: Final[dict[str, Answer]] = {
    "torch._utils _rebuild_tensor_v2": _tensor,
    "collections OrderedDict": as_dict,  # a tensor's hooks
}
