"""A module of torch that was saved whole (`torch.save(module)`): its class, settings and tensors.

Published KDM students are such files. The classes are named in the pickle and never imported: any
object with `_parameters`, `_buffers` and `_modules` is a module, and its tensors get the names that
`state_dict()` would give them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pairgen.checkpoints.module_tree import Node, walk
from pairgen.checkpoints.plain import scalars
from storage.inert.values import Made, TensorName

_MAX_MODULES = 8192  # a published student with its LPIPS network has 1,200
_MAX_TENSORS = 4096  # about 1,100
_MAX_ENTRIES = 1024  # of one module; VGG's layers are 31
_MAX_DEPTH = 12


class Module(NamedTuple):
    """The outermost module, and the tensors of all in it."""

    class_name: str
    settings: dict[str, Any]  # its plain attributes: numbers, texts
    tensors: dict[str, TensorName]  # by state-dict name, in state-dict order


def module_in(value: Made) -> Module:
    """The module that this object stands for; a ValueError if it isn't one, or isn't built like one."""
    tensors: dict[str, TensorName] = {}

    def visit(node: Node) -> Iterator[tuple[str, Any]]:
        state = _state(node)
        tensors.update(_own_tensors(state, node.prefix))
        if len(tensors) > _MAX_TENSORS:
            raise ValueError(f"it has more than {_MAX_TENSORS:,} tensors")
        yield from _dict_of(state, "_modules").items()

    walk(value, visit, max_modules=_MAX_MODULES, max_depth=_MAX_DEPTH)
    return Module(value.of.rpartition(" ")[2], scalars(value.state), tensors)


def _own_tensors(state: dict[Any, Any], prefix: str) -> dict[str, TensorName]:
    """Parameters, then the buffers, without those that a state dict leaves out."""
    hidden = state.get("_non_persistent_buffers_set")
    named = {**_dict_of(state, "_parameters"), **_dict_of(state, "_buffers")}
    left_out = hidden if isinstance(hidden, list) else []
    return {
        f"{prefix}{name}": value
        for name, value in named.items()
        if isinstance(value, TensorName) and name not in left_out
    }


def _state(node: Node) -> dict[Any, Any]:
    """The module's attributes, for any class."""
    state = node.value.state if isinstance(node.value, Made) else None
    if type(state) is not dict:
        raise ValueError(f"{node.prefix[:80] or 'what it holds'} isn't a module of torch")
    return state


def _dict_of(state: dict[Any, Any], name: str) -> dict[Any, Any]:
    """One of a module's dicts; a ValueError unless it is a dict of at most 1,024 entries."""
    value = state.get(name)
    if type(value) is not dict or len(value) > _MAX_ENTRIES:
        raise ValueError(f"a module lacks {name}, or has more than {_MAX_ENTRIES:,}")
    return value
