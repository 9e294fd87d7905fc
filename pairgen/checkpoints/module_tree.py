"""A walk over a module of torch in a pickle: modules in modules, in the order of a state dict.

A module's state is a dict with three dicts of interest: `_parameters` and `_buffers` hold its own tensors by
name, `_modules` its children. `state_dict()` lists parameters, then buffers, then the children in their
order, each name with its path in front: `enc.32x32_conv.weight`. A file may claim anything, even a
module inside itself, so the walk counts modules and depth.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Node(NamedTuple):
    """A module somewhere in the tree."""

    prefix: str  # of its tensors' names: 'enc.' or '' at the root
    value: Any  # as it is in the file, unchecked
    depth: int  # 0 at the root


def walk(
    root: Any,
    visit: Callable[[Node], Iterable[tuple[str, Any]]],
    *,
    max_modules: int,
    max_depth: int,
) -> None:
    """Call `visit` for the root and all below it, depth first; it returns a node's children by name.

    Children that are None are left out, as torch keeps them. A ValueError for more modules than
    `max_modules` or more levels than `max_depth`.
    """
    waiting = [Node("", root, 0)]
    for _ in range(max_modules):
        if not waiting:
            return
        node = waiting.pop()
        children = [
            Node(f"{node.prefix}{name}.", value, node.depth + 1)
            for name, value in visit(node)
            if value is not None
        ]
        if children and node.depth >= max_depth:
            raise ValueError(f"its modules are nested more than {max_depth} deep")
        waiting += children[::-1]  # the first child is on top of the stack
        if len(waiting) > max_modules:
            break
    raise ValueError(f"it has more than {max_modules:,} modules")
