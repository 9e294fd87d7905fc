"""Networks of EDM (Karras et al. 2022) in their pickles: class names, arguments and tensors.

NVlabs/edm saves modules through its `torch_utils/persistence.py`. In the pickle each of them is the call
`_reconstruct_persistent_obj(meta)` with one dict:

    type        'class'
    version     6
    module_src  the source text of the file that defines the class; unpickling executes it
    class_name  'EDMPrecond', 'SongUNet', 'Conv2d', …
    state       the module's attributes; of the preconditioner and the network also `_init_args` and
                `_init_kwargs`, the arguments that it was built with

Read as data, the source is a text like any other, and is dropped. The tree of modules is
preconditioner → `model`, a network → containers `enc` and `dec` → blocks → layers, and only EDM's own class
names are accepted in it. A snapshot of training is a dict whose `ema` is the averaged network.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pairgen.checkpoints.calls import CONTAINERS, PERSISTENT
from pairgen.checkpoints.checkpoint import Part
from pairgen.checkpoints.module_tree import Node, walk
from pairgen.checkpoints.plain import is_scalar, plain, scalars
from storage.inert.values import Blob, Made, TensorName

_VERSION = 6
_PRECONDITIONERS: Final = ("EDMPrecond", "VPPrecond", "VEPrecond", "iDDPMPrecond")
_NETWORKS: Final = ("SongUNet", "DhariwalUNet")
_LAYERS: Final = (
    "Linear",
    "Conv2d",
    "GroupNorm",
    "UNetBlock",
    "PositionalEmbedding",
    "FourierEmbedding",
)
_MAX_TENSORS = 2048  # of the released ones 563 at most
_MAX_MODULES = 2048  # about 400
_MAX_ENTRIES = 256  # of a module: the blocks of an encoder are 60
_MAX_DEPTH = 8  # model.enc.32x32_block0.conv0 is the fifth
_NAME = re.compile(r"\w{1,64}")


class Network(NamedTuple):
    """A preconditioned network: what it was built with, and its tensors in state-dict order."""

    weights: str
    parts: tuple[Part, Part]
    attributes: dict[str, Any]
    tensors: dict[str, TensorName]


class _Object(NamedTuple):
    """A persistent object whose dict has been checked."""

    class_name: str
    state: dict[Any, Any]


def holds_network(value: Any) -> bool:
    """Whether torch.save was given a network of EDM, alone or as a snapshot's 'ema'.

    A ValueError if it was given a training state, whose network isn't averaged over its steps.
    """
    if type(value) is dict and "ema" not in value and any(map(_is_object, value.values())):
        raise ValueError(
            "it holds a network of EDM that is not averaged, as a training state does; give the "
            "network-snapshot .pkl in the same folder"
        )
    return _is_object(value.get("ema") if type(value) is dict else value)


def _is_object(value: Any) -> bool:
    """Whether it is a call of EDM's `_reconstruct_persistent_obj`."""
    return isinstance(value, Made) and value.of == PERSISTENT


def network_in(value: Any) -> Network:
    """The averaged network of a snapshot, or the only network of a released file; else a ValueError."""
    if type(value) is dict and "ema" not in value:
        raise ValueError("it holds no 'ema'; give a network-snapshot .pkl or a released network")
    is_averaged = type(value) is dict
    outer = _object(value["ema"] if is_averaged else value, _PRECONDITIONERS)
    inner = _object(_dict_of(outer, "_modules").get("model"), _NETWORKS)
    attributes = scalars(outer.state)
    attributes.pop("training", None)
    weights = "ema" if is_averaged else "unknown"
    return Network(weights, (_part(outer), _part(inner)), attributes, _tensors(outer))


def _object(value: Any, known: tuple[str, ...]) -> _Object:
    """The persistent object that this is; a ValueError unless its class is one of `known`."""
    if not isinstance(value, Made) or value.of != PERSISTENT:
        raise ValueError(f"something else is in the place of one of {', '.join(known)}")
    meta = value.arguments[0]
    version, name = meta.get("version"), meta.get("class_name")
    if meta.get("type") != "class":
        raise ValueError(f"type {_shown(meta.get('type'))} is in the place of a class")
    if type(version) is not int or version != _VERSION:
        raise ValueError(
            f"a class has version {_shown(version)}, but EDM writes {_VERSION}; give an EDM network"
        )
    if type(name) is not str or name not in known:
        raise ValueError(
            f"class {_shown(name)} isn't supported here; it must be one of {', '.join(known)}"
        )
    if not _is_text(meta.get("module_src")) or type(meta.get("state")) is not dict:
        raise ValueError(f"{name} comes without a source or without a state")
    return _Object(name, meta["state"])


def _is_text(value: Any) -> bool:
    """Whether it is a text. Long ones, such as a class's source, stay in the file as a Blob."""
    return value.is_text if isinstance(value, Blob) else type(value) is str


def _shown(value: Any) -> str:
    """A value from the file as an error may show it: short, and never an object."""
    if is_scalar(value):
        return repr(value[:60] if type(value) is str else value)
    return "that isn't text"


def _part(found: _Object) -> Part:
    """What it was built with; a ValueError for an argument that isn't plain data."""
    arguments, keywords = found.state.get("_init_args"), found.state.get("_init_kwargs")
    if type(arguments) is not tuple or type(keywords) is not dict or len(keywords) > 64:
        raise ValueError(f"{found.class_name} doesn't say what it was built with")
    if not all(type(key) is str for key in keywords):
        raise ValueError(f"{found.class_name} was built with a keyword that isn't text")
    what = f"an argument of {found.class_name}"
    named = {key: plain(value, f"{what}, {key[:40]},") for key, value in keywords.items()}
    return Part(found.class_name, tuple(plain(list(arguments), what)), named)


def _tensors(outer: _Object) -> dict[str, TensorName]:
    """By state-dict name, in state-dict order; a ValueError for anything that EDM doesn't write."""
    found: dict[str, TensorName] = {}

    def visit(node: Node) -> Iterator[tuple[str, Any]]:
        module = _module(node)
        _add_own(found, node.prefix, module)
        for name, child in _dict_of(module, "_modules").items():
            yield _named(name) if child is not None else "", child

    walk(outer, visit, max_modules=_MAX_MODULES, max_depth=_MAX_DEPTH)
    return found


def _module(node: Node) -> _Object:
    """A node's class and state: the preconditioner, its network, a container, or a layer of EDM's."""
    value = node.value
    if isinstance(value, _Object):
        return value
    if isinstance(value, Made) and value.of in CONTAINERS and type(value.state) is dict:
        return _Object(value.of, value.state)
    return _object(value, _NETWORKS if node.depth == 1 else _LAYERS)


def _add_own(found: dict[str, TensorName], prefix: str, module: _Object) -> None:
    """Parameters, then those buffers that a state dict has, under `prefix`."""
    hidden = _hidden(module)
    buffers = {
        name: value for name, value in _dict_of(module, "_buffers").items() if name not in hidden
    }
    for name, value in [*_dict_of(module, "_parameters").items(), *buffers.items()]:
        if value is None:
            continue
        if not isinstance(value, TensorName):
            raise ValueError(f"{prefix}{_named(name)} isn't a tensor")
        found[f"{prefix}{_named(name)}"] = value
    if len(found) > _MAX_TENSORS:
        raise ValueError(f"it has more than {_MAX_TENSORS:,} tensors")


def _hidden(module: _Object) -> frozenset[str]:
    """Names of buffers that a state dict leaves out; torch before 1.6 didn't have them."""
    names = module.state.get("_non_persistent_buffers_set", [])
    if not isinstance(names, list) or not all(type(name) is str for name in names[:_MAX_ENTRIES]):
        raise ValueError(f"{module.class_name} hides buffers without names")
    return frozenset(names[:_MAX_ENTRIES])


def _dict_of(module: _Object, name: str) -> dict[Any, Any]:
    """One of a module's dicts; a ValueError unless it is a dict of at most 256 entries."""
    value = module.state.get(name)
    if type(value) is not dict or len(value) > _MAX_ENTRIES:
        raise ValueError(f"{module.class_name} lacks {name}, or has more than {_MAX_ENTRIES}")
    return value


def _named(name: Any) -> str:
    """The name, if it is one: up to 64 letters, digits and '_'; else a ValueError."""
    if type(name) is not str or not _NAME.fullmatch(name):
        raise ValueError("a tensor or module has a name that isn't an identifier")
    return name
