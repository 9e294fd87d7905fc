"""The functions that checkpoints call, and the inert values that their calls become.

A pickle is a program: an opcode GLOBAL puts a function's name on the stack, REDUCE calls it. The
reader (storage/inert) imports and calls nothing. It looks the name up here: an `Answer` gets the
name and the arguments, and returns the value that the call stands for, or None if its arguments
aren't those that such files usually have; then the file is refused. Three dialects say what may be
in a file:
| dialect | file | knows |
|---|---|---|
| NETWORK | EDM's network pickles | tensors, EDM's persistent objects |
| CHECKPOINT | `torch.save` of a training script | the same, and settings: paths, times, counters |
| STUDENT | `torch.save` of a whole KDM module | tensors, settings, objects of a few packages |

A `Made` is the bare record of a call, name and arguments, for calls whose results aren't needed.
"""

import re
from typing import Any, Final

import numpy as np

from storage.inert.dialect import TENSORS, Answer, Dialect, as_dict
from storage.inert.storages import COMPLEX, STORAGE_TYPES
from storage.inert.values import Blob, Global, Made, NumberType, TensorName

PERSISTENT = "torch_utils.persistence _reconstruct_persistent_obj"
NAMESPACE = "argparse Namespace"
CONTAINERS = frozenset({"torch.nn.modules.container ModuleDict"})
_EASY_DICT = "dnnlib.util EasyDict"
_NUMBER_TYPE = re.compile(r"[fiu][1248]|b1")


def _set(_name: str, arguments: tuple[Any, ...]) -> Any:
    """A set arrives as the list of its items."""
    match arguments:
        case (list(items),):
            return items
    return None


def _bytes(_name: str, arguments: tuple[Any, ...]) -> Any:
    """Protocol 2 can't write bytes: it writes `_codecs.encode(text, 'latin1')`."""
    match arguments:
        case (str(text), "latin1") if max(text, default="") <= "\xff":
            return text.encode("latin1")
        case (Blob(is_text=True) as text, "latin1"):
            return text
    return None


def _storage(_name: str, arguments: tuple[Any, ...]) -> Any:
    """`torch.storage._load_from_bytes(data)`: a whole torch file in the pickle, left in place."""
    match arguments:
        case (Blob() as blob,):
            return blob
    return None


def _parameter(_name: str, arguments: tuple[Any, ...]) -> Any:
    """An `nn.Parameter` is the tensor in it."""
    match arguments:
        case (TensorName() as tensor, bool(), dict()) | (TensorName() as tensor, bool(), dict(), _):
            return tensor
    return None


def _number_type(_name: str, arguments: tuple[Any, ...]) -> Any:
    """`numpy.dtype('f4', …)`, of numbers and bools alone."""
    match arguments:
        case (str(code), _, _) if _NUMBER_TYPE.fullmatch(code):
            return NumberType(code)
    return None


def _scalar(_name: str, arguments: tuple[Any, ...]) -> Any:
    """A numpy scalar is its value; its bytes must be as many as its type has."""
    match arguments:
        case (NumberType(code), bytes(data)) if len(data) == int(code[1]):
            return np.frombuffer(data, np.dtype(f"<{code}"))[0].item()
    return None


def _persistent(name: str, arguments: tuple[Any, ...]) -> Any:
    """EDM's `_reconstruct_persistent_obj(meta)`, see edm_pickle.py."""
    match arguments:
        case (dict(),):
            return Made(name, arguments)
    return None


def _counted(_name: str, arguments: tuple[Any, ...]) -> Any:
    """A defaultdict or Counter is a dict; the factory of the former is never called."""
    match arguments:
        case () | (Global() | None,):
            return {}
        case (dict() as counts,):
            return counts
    return None


def _deque(_name: str, arguments: tuple[Any, ...]) -> Any:
    """A deque is the list of its items."""
    match arguments:
        case () | (list() | tuple(),) | (list() | tuple(), int() | None):
            return list(arguments[0]) if arguments else []
    return None


def _opaque(name: str, arguments: tuple[Any, ...]) -> Any:
    """Any call: only its name and arguments are kept."""
    return Made(name, arguments)


# numpy's modules have other names since 2.0.
_NUMPY: Final[dict[str, Answer]] = {
    "numpy dtype": _number_type,
    **{f"numpy.{core}.multiarray scalar": _scalar for core in ("_core", "core")},
    **{f"numpy.{core}.multiarray _reconstruct": _opaque for core in ("_core", "core")},
    **{f"numpy.{core}.numeric _frombuffer": _opaque for core in ("_core", "core")},
}
_SHARED: Final[dict[str, Answer]] = {
    **TENSORS,
    **_NUMPY,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
    "torch device": _opaque,
    "torch Size": _opaque,
    "_codecs encode": _bytes,  # protocol 2's way with bytes, and that of set with sets
    **{
        f"{module} {name}": _set
        for module in ("builtins", "__builtin__")
        for name in ("set", "frozenset")
    },
}
_MODULES: Final[dict[str, Answer]] = {
    PERSISTENT: _persistent,
    _EASY_DICT: as_dict,
    **dict.fromkeys(CONTAINERS, _opaque),
}
_NETWORK: Final[dict[str, Answer]] = {
    **_MODULES,
    "torch.storage _load_from_bytes": _storage,
}
_TORCH_VERSION = "torch.torch_version TorchVersion"  # a str
_VALUES = (
    *("decimal Decimal", "fractions Fraction", "uuid UUID", _TORCH_VERSION),
    *(
        f"{module} {name}"
        for module in ("builtins", "__builtin__")
        for name in ("complex", "bytearray", "range", "xrange", "slice")
    ),
)
# What training scripts keep beside the tensors.
_SETTINGS: Final[dict[str, Answer]] = {
    NAMESPACE: _opaque,
    "types SimpleNamespace": _opaque,
    "collections defaultdict": _counted,
    "collections Counter": _counted,
    "collections deque": _deque,
    **dict.fromkeys(_VALUES, _opaque),
}
_PLAIN = ("pathlib ", "pathlib._local ", "datetime ", "omegaconf.")  # paths, times, configurations
_TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32")
_FACTORIES = frozenset(  # of defaultdicts, under Python 2's name if the protocol is 2
    f"{module} {name}"
    for module in ("builtins", "__builtin__")
    for name in (
        *("list", "dict", "int", "long", "float", "str", "unicode", "bool", "tuple", "set"),
        *("bytes", "complex", "Ellipsis"),
    )
)
_SPACES = frozenset({NAMESPACE, "types SimpleNamespace", *_VALUES})
_NEVER_CALLED = frozenset({"numpy ndarray", *(f"torch {name}" for name in (*_TYPES, "float64"))})

NETWORK = Dialect(
    "network",
    _SHARED | _NETWORK,
    max_opcodes=250_000,  # 110 a tensor, 563 tensors at most
    max_bytes=8 * 2**20,  # a network's source, held once, takes 60 KB
    names=_NEVER_CALLED,
    classes=CONTAINERS | {_EASY_DICT},
    remedy="; give a network-snapshot .pkl of EDM or a released network",
)
CHECKPOINT = Dialect(
    "checkpoint",
    _SHARED | _SETTINGS | _MODULES,
    max_opcodes=250_000,  # 30 a tensor, four tensors a parameter with the optimiser's
    max_bytes=16 * 2**20,
    names=_NEVER_CALLED | _FACTORIES | (STORAGE_TYPES.keys() - {COMPLEX}),
    classes=_SPACES | {_EASY_DICT} | CONTAINERS,
    packages=_PLAIN,
    remedy="; save the network's state dict (torch.save(net.state_dict(), ...)) and import that",
)
# A published KDM student, which its training saves as a whole module, its LPIPS network included.
STUDENT = Dialect(
    "student",
    _SHARED | _SETTINGS,
    max_opcodes=1_000_000,  # 150 a module, 1,200 modules
    max_bytes=16 * 2**20,
    names=_NEVER_CALLED | _FACTORIES | STORAGE_TYPES.keys(),
    classes=_SPACES,
    packages=("models.", "torch.nn.modules.", "piq.", "torchvision.", *_PLAIN),
    remedy="; save the model's state dict and import that",
)
