"""The few calls in pickles of networks that mean something, each answered with an inert value."""

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from pairgen.checkpoints.values import (
    Blob,
    Made,
    NumberType,
    StorageName,
    TensorName,
    tensor_name,
)

PERSISTENT = "torch_utils.persistence _reconstruct_persistent_obj"
HOOKS = "collections OrderedDict"
NAMESPACE = "argparse Namespace"
CONTAINERS = frozenset({"torch.nn.modules.container ModuleDict"})
_NUMBER_TYPE = re.compile(r"[fiu][1248]|b1")
_MAX_ENCODED = 256  # characters: a numpy scalar's bytes are 8 at most


def called(name: str, arguments: tuple[Any, ...]) -> Any:
    """What the call stands for; a ValueError where it is not made as a network's pickle makes it."""
    answer = _ANSWERS.get(name)
    value = answer(name, arguments) if answer else None
    if value is None:
        raise ValueError(f"its pickle calls {name} as no network needs")
    return value


def _dict(_name: str, arguments: tuple[Any, ...]) -> Any:
    return None if arguments else {}


def _set(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (list(items),):
            return items
    return None


def _bytes(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (str(text), "latin1") if len(text) <= _MAX_ENCODED and text.isascii():
            return text.encode()
        case (str(text), "latin1") if len(text) <= _MAX_ENCODED and max(text) <= "\xff":
            return text.encode("latin1")
    return None


def _storage(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (Blob() as blob,):
            return blob
    return None


def _tensor(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (StorageName() | Blob() as storage, offset, shape, strides, bool(), dict()):
            return tensor_name(storage, offset, shape, strides)
    return None


def _parameter(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (TensorName() as tensor, bool(), dict()) | (TensorName() as tensor, bool(), dict(), _):
            return tensor
    return None


def _number_type(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (str(code), _, _) if _NUMBER_TYPE.fullmatch(code):
            return NumberType(code)
    return None


def _scalar(_name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (NumberType(code), bytes(data)) if len(data) == int(code[1]):
            return np.frombuffer(data, np.dtype(f"<{code}"))[0].item()
    return None


def _persistent(name: str, arguments: tuple[Any, ...]) -> Any:
    match arguments:
        case (dict(),):
            return Made(name, arguments)
    return None


def _opaque(name: str, arguments: tuple[Any, ...]) -> Any:
    return Made(name, arguments)


_Answer = Callable[[str, tuple[Any, ...]], Any]
_SHARED: Final[dict[str, _Answer]] = {
    HOOKS: _dict,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
    "numpy dtype": _number_type,
    "numpy._core.multiarray scalar": _scalar,
    "numpy.core.multiarray scalar": _scalar,  # numpy 1.x
    "_codecs encode": _bytes,  # protocol 2's way with bytes, and that of set with sets
    "builtins set": _set,
    "__builtin__ set": _set,
}
_PERSISTENT: Final[dict[str, _Answer]] = {
    PERSISTENT: _persistent,
    "torch.storage _load_from_bytes": _storage,
    "dnnlib.util EasyDict": _dict,
    **dict.fromkeys(CONTAINERS, _opaque),
}
# What training scripts keep beside the tensors.
_SETTINGS: Final[dict[str, _Answer]] = {
    NAMESPACE: _opaque,
    "pathlib PosixPath": _opaque,
    "pathlib._local PosixPath": _opaque,
    "torch device": _opaque,
    "torch Size": _opaque,
}
_ANSWERS: Final[dict[str, _Answer]] = {**_SHARED, **_PERSISTENT, **_SETTINGS}
IN_NETWORKS = frozenset({*_SHARED, *_PERSISTENT})
IN_CHECKPOINTS = frozenset({*_SHARED, *_SETTINGS})
