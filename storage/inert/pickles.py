"""What a pickle says, without unpickling it: nothing is imported, called or built.

Of the 68 opcodes there are 43 here, those that pickle writes for tensors and networks in protocols 2
to 5. The others (INST, OBJ, NEWOBJ_EX, EXT1, PERSID and their like) are refused. A name is a name to
compare, a call is answered from a dialect's table of inert values, and long bytes stay in the file.
"""

import pickletools
import struct
from collections.abc import Callable
from typing import Any, BinaryIO, Final, NamedTuple

from storage.inert.dialect import Dialect
from storage.inert.storages import STORAGE_TYPES
from storage.inert.values import Blob, Global, Made, NumberType, StorageName

_PROTOCOLS = range(2, 6)
_MAX_NAME = 256
_MAX_SCALAR = 16  # bytes
_MAX_TEXT = 256  # bytes of one text that is held; longer ones stay in the file, as bytes do
_MAX_WHOLE = 17  # bytes of a whole number; the magic one takes 10, that of a UUID 17
_TITLES: Final = {opcode.code: opcode.name for opcode in pickletools.opcodes}
_KEYS = (str, int, float, bool, type(None))


class Described(NamedTuple):
    """What a pickle describes, and the storages that it names, by their keys."""

    value: Any
    storages: dict[str, StorageName]


def described_in(file: BinaryIO, dialect: Dialect) -> Described:
    """What the pickle at the file's position describes; a ValueError if it holds anything else.

    Plain values, `TensorName` and `Made`. The file is left at the pickle's end.
    """
    walker = _Walker(file, dialect)
    try:
        return Described(walker.result(), walker.storages)
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError("its pickle is malformed or cut off; fetch the file again") from error
    except UnicodeDecodeError as error:
        raise ValueError("its pickle holds text that is not UTF-8") from error


class _Walker:
    """A stack and a memo of inert values; one method an opcode."""

    def __init__(self, file: BinaryIO, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._text_left = dialect.max_bytes
        self.storages: dict[str, StorageName] = {}

    def result(self) -> Any:
        """What the pickle leaves behind."""
        for _ in range(self._dialect.max_opcodes):
            code = self.take(1)
            if code == b".":
                return self._only_value()
            act = _ACTS.get(code)
            if act is None:
                raise ValueError(
                    f"its pickle uses {_title(code)}, which isn't allowed in a {self._dialect.of}"
                    f"{self._dialect.remedy}"
                )
            act(self)
        raise ValueError(
            f"its pickle has more than {self._dialect.max_opcodes:,} opcodes, as no "
            f"{self._dialect.of} needs"
        )

    def _only_value(self) -> Any:
        value = self.pop()
        if self._stack or self._outer:
            raise ValueError("its pickle does not leave one value")
        return value

    def take(self, num_bytes: int) -> bytes:
        data = self._file.read(num_bytes)
        if len(data) != num_bytes:
            raise ValueError("its pickle is cut off; fetch the file again")
        return data

    def count(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def protocol(self) -> None:
        version = self.count(1)
        if version not in _PROTOCOLS:
            raise ValueError(f"its pickle has protocol {version}; 2 to 5 are read, save it again")

    def frame(self) -> None:
        """FRAME: only says where to buffer."""
        self.take(8)

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self, kind: type = object) -> Any:
        value = self._stack.pop()
        if not isinstance(value, kind):
            raise ValueError("its pickle is malformed")
        return value

    def mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def popped_to_mark(self) -> list[Any]:
        values = self._stack
        self._stack = self._outer.pop()
        return values

    def text(self, width: int) -> None:
        num_bytes = self.count(width)
        if num_bytes > _MAX_TEXT:
            self.blob(num_bytes, is_text=True)
            return
        self._text_left -= num_bytes
        if self._text_left < 0:
            raise ValueError(
                f"its pickle holds more than {self._dialect.max_bytes:,} bytes of text"
            )
        self.push(self.take(num_bytes).decode())

    def whole(self) -> None:
        num_bytes = self.count(1)
        if num_bytes > _MAX_WHOLE:
            raise ValueError(f"its pickle holds a whole number of {num_bytes} bytes")
        self.push(int.from_bytes(self.take(num_bytes), "little", signed=True))

    def short_bytes(self) -> None:
        """A scalar's, or the storage of a tensor of few values."""
        num_bytes = self.count(1)
        if num_bytes > _MAX_SCALAR:
            self.blob(num_bytes)
        else:
            self.push(self.take(num_bytes))

    def blob(self, num_bytes: int, *, is_text: bool = False) -> None:
        """Bytes of a length that may be vast: skipped, and looked for again when they are needed."""
        place = self._file.tell()
        self.push(Blob(place, num_bytes, is_text))
        end = self._file.seek(0, 2)
        if num_bytes > end - place:
            raise ValueError(
                f"its pickle declares {num_bytes:,} bytes, but {end - place:,} are left; fetch the "
                "file again"
            )
        self._file.seek(place + num_bytes)

    def remember(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def tuple_of(self, num: int) -> None:
        values = [self._stack.pop() for _ in range(num)]
        self.push(tuple(values[::-1]))

    def extend(self, values: list[Any]) -> None:
        target = self.pop(list)
        target.extend(values)
        self.push(target)

    def update(self, values: list[Any]) -> None:
        target = self.pop(dict)
        if len(values) % 2 or not all(type(key) in _KEYS for key in values[::2]):
            raise ValueError("its pickle uses a key of a dict that isn't text or a number")
        target.update(zip(values[::2], values[1::2], strict=True))
        self.push(target)

    def global_in_lines(self) -> None:
        module, name = self._line(), self._line()
        self._global(module, name)

    def global_on_stack(self) -> None:
        name, module = self.pop(str), self.pop(str)
        self._global(module, name)

    def _line(self) -> str:
        line = self._file.readline(_MAX_NAME)
        if not line.endswith(b"\n"):
            raise ValueError("its pickle holds a name that is cut off or too long")
        return line[:-1].decode()

    def _global(self, module: str, name: str) -> None:
        self._dialect.require_name(module, name)
        self.push(Global(f"{module} {name}"))

    def storage(self) -> None:
        match self.pop(tuple):
            case ("storage", Global(kind), str(key), str(), int(num), *rest) if (
                kind in STORAGE_TYPES
                and rest in ([], [None])
                and num >= 0
                and key.isdecimal()
                and len(key) <= 64
            ):
                found = StorageName(key, kind, num)
                if self.storages.setdefault(key, found) != found:
                    raise ValueError(f"its pickle describes storage '{key}' in two ways")
                self.push(found)
            case ("module", Global() as made, _, _):  # before 1.6: a class beside its source
                self.push(made)
            case _:
                raise ValueError("its pickle points to something that isn't a tensor's numbers")

    def call(self) -> None:
        arguments, function = self.pop(tuple), self.pop(Global)
        self.push(self._dialect.called(function.name, arguments))

    def new(self) -> None:
        """NEWOBJ: of a class, with what it is made from."""
        arguments, made = self.pop(tuple), self.pop(Global)
        if not self._dialect.builds(made.name):
            raise ValueError(
                f"its pickle builds a {made.name.replace(' ', '.')}, which isn't allowed in a "
                f"{self._dialect.of}{self._dialect.remedy}"
            )
        self.push(self._dialect.called(made.name, arguments))

    def build(self) -> None:
        """BUILD: the state is kept beside the value, and never set on anything."""
        state, target = self.pop(), self.pop()
        match target, state:
            case Made(state=None), dict() | (int(), tuple(), NumberType(), bool(), _):
                target.state = state  # of an object, or of an array of numpy
            case dict(), dict():
                pass  # a state dict's versions of its modules
            case NumberType(), (int(), "<" | "|", *_):
                pass
            case _:
                raise ValueError("its pickle sets a state that a network doesn't have")
        self.push(target)


def _title(code: bytes) -> str:
    return _TITLES.get(code.decode("latin1"), f"the unknown opcode {code!r}")


def _constant(value: Any) -> Callable[[_Walker], None]:
    return lambda walker: walker.push(value)


def _unpacked(form: str) -> Callable[[_Walker], None]:
    fields = struct.Struct(form)
    return lambda walker: walker.push(fields.unpack(walker.take(fields.size))[0])


_ACTS: Final[dict[bytes, Callable[[_Walker], None]]] = {
    b"\x80": _Walker.protocol,
    b"\x95": _Walker.frame,
    b"(": _Walker.mark,
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b")": _constant(()),
    b"]": lambda walker: walker.push([]),
    b"}": lambda walker: walker.push({}),
    b"\x8f": lambda walker: walker.push([]),  # EMPTY_SET: read as a list, so nothing is hashed
    b"J": _unpacked("<i"),
    b"K": _unpacked("<B"),
    b"M": _unpacked("<H"),
    b"G": _unpacked(">d"),
    b"\x8a": _Walker.whole,
    b"\x8c": lambda walker: walker.text(1),
    b"X": lambda walker: walker.text(4),
    b"C": _Walker.short_bytes,
    b"B": lambda walker: walker.blob(walker.count(4)),
    **dict.fromkeys((b"\x8e", b"\x96"), lambda walker: walker.blob(walker.count(8))),
    b"q": lambda walker: walker.remember(walker.count(1)),
    b"r": lambda walker: walker.remember(walker.count(4)),
    b"\x94": lambda walker: walker.remember(len(walker._memo)),
    b"h": lambda walker: walker.push(walker._memo[walker.count(1)]),
    b"j": lambda walker: walker.push(walker._memo[walker.count(4)]),
    b"t": lambda walker: walker.push(tuple(walker.popped_to_mark())),
    b"\x85": lambda walker: walker.tuple_of(1),
    b"\x86": lambda walker: walker.tuple_of(2),
    b"\x87": lambda walker: walker.tuple_of(3),
    b"a": lambda walker: walker.extend([walker.pop()]),
    b"e": lambda walker: walker.extend(walker.popped_to_mark()),
    b"\x91": lambda walker: walker.push(walker.popped_to_mark()),  # FROZENSET
    b"\x90": lambda walker: walker.extend(walker.popped_to_mark()),  # ADDITEMS
    b"s": lambda walker: walker.update([walker.pop(), walker.pop()][::-1]),
    b"u": lambda walker: walker.update(walker.popped_to_mark()),
    b"c": _Walker.global_in_lines,
    b"\x93": _Walker.global_on_stack,
    b"Q": _Walker.storage,
    b"R": _Walker.call,
    b"\x81": _Walker.new,
    b"b": _Walker.build,
}
