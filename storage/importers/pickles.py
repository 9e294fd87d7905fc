"""What a pickle of tensors says, without unpickling it: nothing is imported, called or built.

`pickletools` takes the pickle apart into opcodes, and a stack of plain values follows them. Of the
68 opcodes there are 29 here, those that torch.save writes; the others, BUILD, INST, OBJ, NEWOBJ and
STACK_GLOBAL among them, are refused. A global is a name to compare; REDUCE knows two of them.
"""

import io
import pickletools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

MAX_BYTES = 64 * 1024  # two tensors take 500
_PROTOCOL = 2  # torch.save's, from its first release on
_LARGEST = 2**48  # of a size, a stride or an offset

STORAGE_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "torch HalfStorage": np.dtype("<f2"),
    "torch FloatStorage": np.dtype("<f4"),
    "torch DoubleStorage": np.dtype("<f8"),
    "torch LongStorage": np.dtype("<i8"),
}
_REBUILD, _HOOKS = "torch._utils _rebuild_tensor_v2", "collections OrderedDict"


class StorageName(NamedTuple):
    """The numbers that a tensor is a view of, by their key."""

    key: str
    dtype: np.dtype[Any]
    num_values: int


class TensorName(NamedTuple):
    """A tensor as the pickle describes it; nothing of it is checked against its numbers yet."""

    storage: StorageName
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Global(NamedTuple):
    name: str


class _Mark:
    pass


_MARK: Final = _Mark()


def described_in(data: bytes, start: int = 0) -> tuple[Any, int]:
    """The value that a pickle describes, and where in `data` it ends.

    Plain values, lists, dicts, tuples and `TensorName`; a ValueError where there is anything else.
    """
    stream = io.BytesIO(data[:MAX_BYTES])
    stream.seek(start)
    reader = _Reader()
    for opcode, argument, _ in pickletools.genops(stream):
        act = _ACTS.get(opcode.name)
        if act is None:
            raise ValueError(f"its pickle uses {opcode.name}, which no tensor needs")
        act(reader, argument)
    return reader.result(), stream.tell()


class _Reader:
    """A stack and a memo of plain values; one method an opcode."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        """What the pickle leaves behind."""
        if len(self._stack) != 1:
            raise ValueError("its pickle does not leave one value")
        return self._stack[0]

    def protocol(self, version: int) -> None:
        if version != _PROTOCOL:
            raise ValueError(f"its pickle has protocol {version}; torch.save writes {_PROTOCOL}")

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self, kind: type = object) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            raise ValueError("its pickle is malformed")
        return self._stack.pop()

    def popped_to_mark(self) -> list[Any]:
        values: list[Any] = []
        while (value := self.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def name(self, name: str) -> None:
        if name not in STORAGE_TYPES and name not in (_REBUILD, _HOOKS):
            raise ValueError(f"its pickle names {name[:80]!r}, which no tensor needs")
        self.push(_Global(name))

    def remember(self, key: int) -> None:
        self.push(self.pop())
        self._memo[key] = self._stack[-1]

    def recall(self, key: int) -> None:
        if key not in self._memo:
            raise ValueError("its pickle is malformed")
        self.push(self._memo[key])

    def tuple_of(self, num: int) -> None:
        values = [self.pop() for _ in range(num)]
        self.push(tuple(values[::-1]))

    def extend(self, values: list[Any]) -> None:
        target = self.pop(list)
        target.extend(values)
        self.push(target)

    def update(self, values: list[Any]) -> None:
        target = self.pop(dict)
        if len(values) % 2 or not all(isinstance(key, str) for key in values[::2]):
            raise ValueError("its pickle is malformed")
        target.update(zip(values[::2], values[1::2], strict=True))
        self.push(target)

    def storage(self) -> None:
        match self.pop(tuple):
            case ("storage", _Global(name), str(key), str(), int(num), *rest) if (
                name in STORAGE_TYPES and key.isdecimal() and rest in ([], [None])
            ):
                self.push(StorageName(key, STORAGE_TYPES[name], _number(num)))
            case _:
                raise ValueError("its pickle points to something that is no tensor's numbers")

    def call(self) -> None:
        arguments, function = self.pop(tuple), self.pop(_Global)
        match function.name, arguments:
            case name, () if name == _HOOKS:
                self.push({})
            case name, (
                StorageName() as storage,
                offset,
                tuple(shape),
                tuple(strides),
                bool(),
                {},
            ) if name == _REBUILD:
                sides, steps = tuple(map(_number, shape)), tuple(map(_number, strides))
                self.push(TensorName(storage, _number(offset), sides, steps))
            case _:
                raise ValueError(f"its pickle calls {function.name} as no tensor needs")


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("its pickle gives a tensor an impossible size")
    return value


def _ignore(_reader: _Reader, _argument: Any) -> None:
    """STOP: what it leaves is the result."""


_ACTS: Final[dict[str, Callable[[_Reader, Any], None]]] = {
    "PROTO": _Reader.protocol,
    "STOP": _ignore,
    "MARK": lambda reader, _: reader.push(_MARK),
    "NONE": _Reader.push,
    "NEWTRUE": lambda reader, _: reader.push(True),
    "NEWFALSE": lambda reader, _: reader.push(False),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"), _Reader.push),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Reader.remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Reader.recall),
    "TUPLE": lambda reader, _: reader.push(tuple(reader.popped_to_mark())),
    "TUPLE1": lambda reader, _: reader.tuple_of(1),
    "TUPLE2": lambda reader, _: reader.tuple_of(2),
    "TUPLE3": lambda reader, _: reader.tuple_of(3),
    "APPEND": lambda reader, _: reader.extend([reader.pop()]),
    "APPENDS": lambda reader, _: reader.extend(reader.popped_to_mark()),
    "SETITEM": lambda reader, _: reader.update([reader.pop(), reader.pop()][::-1]),
    "SETITEMS": lambda reader, _: reader.update(reader.popped_to_mark()),
    "GLOBAL": _Reader.name,
    "BINPERSID": lambda reader, _: reader.storage(),
    "REDUCE": lambda reader, _: reader.call(),
}
