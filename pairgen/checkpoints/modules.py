"""A module of torch that was saved whole: its class's name, its settings and its tensors."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pairgen.checkpoints.plain import scalars
from storage.inert.values import Made, TensorName

_MAX_MODULES = 8192  # a published student with its LPIPS network has 1,200
_MAX_TENSORS = 4096  # about 1,100
_MAX_ENTRIES = 1024  # of one module; VGG's layers are 31
_MAX_DEPTH = 12


class Module(NamedTuple):
    """The outermost one's name and plain attributes, and all tensors in state-dict order."""

    class_name: str
    settings: dict[str, Any]
    tensors: dict[str, TensorName]


class _Child(NamedTuple):
    prefix: str
    value: Any
    depth: int


def module_in(value: Made) -> Module:
    """The module that this stands for; a ValueError where it is none, or is built as none is."""
    tensors: dict[str, TensorName] = {}
    waiting = [_Child("", value, 0)]
    for _ in range(_MAX_MODULES):
        if not waiting:
            return Module(value.of.rpartition(" ")[2], scalars(value.state), tensors)
        child = waiting.pop()
        tensors |= _own_tensors(child)
        waiting += [*_children(child)][::-1]
        if len(waiting) > _MAX_MODULES or len(tensors) > _MAX_TENSORS:
            break
    raise ValueError(f"it has more than {_MAX_MODULES:,} modules, or {_MAX_TENSORS:,} tensors")


def _own_tensors(child: _Child) -> dict[str, TensorName]:
    """Parameters, then buffers but for those that a state dict leaves out."""
    state = _state(child)
    hidden = state.get("_non_persistent_buffers_set")
    named = {**_dict_of(state, "_parameters"), **_dict_of(state, "_buffers")}
    left_out = hidden if isinstance(hidden, list) else []
    return {
        f"{child.prefix}{name}": value
        for name, value in named.items()
        if isinstance(value, TensorName) and name not in left_out
    }


def _children(child: _Child) -> Iterator[_Child]:
    if child.depth >= _MAX_DEPTH:
        raise ValueError(f"its modules are nested more than {_MAX_DEPTH} deep")
    for name, value in _dict_of(_state(child), "_modules").items():
        if value is not None:
            yield _Child(f"{child.prefix}{name}.", value, child.depth + 1)


def _state(child: _Child) -> dict[Any, Any]:
    state = child.value.state if isinstance(child.value, Made) else None
    if type(state) is not dict:
        raise ValueError(f"{child.prefix[:80] or 'what it holds'} is no module of torch")
    return state


def _dict_of(state: dict[Any, Any], name: str) -> dict[Any, Any]:
    value = state.get(name)
    if type(value) is not dict or len(value) > _MAX_ENTRIES:
        raise ValueError(f"a module has no {name}, or more than {_MAX_ENTRIES:,}")
    return value
