"""Which of a training script's tensors are the network: those averaged over its steps, if there are any.

Samples from an exponential moving average of the weights are better than from the last weights, so it is
preferred (torchcfm's CIFAR-10 FID is 3.7 with it, 7.5 without: atong01/conditional-flow-matching, issue 152):

| written by | averaged | raw |
|---|---|---|
| torchcfm | `ema_model` | `net_model` |
| flow_matching's example, `--use_ema` | `model`: `shadow_params.<i>` | `model`: `model.<name>` |
| its example without, and many others | | `model`, `state_dict` |
| torch's AveragedModel | `module.<name>` beside the count `n_averaged` | |
| many others | `ema`, `model_ema`, `ema_state_dict`, … | the whole dict |

`shadow_params.<i>` is the i-th parameter in the order in which `model.*` lists them; equal shapes confirm it.
Prefixes of parallel training and of torch.compile (`module.`, `_orig_mod.`) are taken off names.
"""

import re
from typing import Any, NamedTuple

from pairgen.checkpoints.calls import NAMESPACE
from pairgen.checkpoints.modules import module_in
from pairgen.checkpoints.plain import scalars
from storage.inert.values import Made, TensorName

_MAX_TENSORS = 4096
_NAME = re.compile(r"[\w.]{1,200}")
_WRAPPERS = re.compile(r"(module\.|_orig_mod\.)+")  # of parallel training and of torch.compile
_COUNT = "n_averaged"  # how many steps torch.optim.swa_utils.AveragedModel has seen
_HOLDERS = {
    "ema_model": ("torchcfm", "ema"),
    "net_model": ("torchcfm", "raw"),
    "ema": ("state-dict", "ema"),
    **dict.fromkeys(
        ("model_ema", "state_dict_ema", "ema_state_dict", "params_ema"), ("state-dict", "ema")
    ),
    "state_dict": ("state-dict", "unknown"),
}
_SHADOW = "shadow_params."
_RAW = "model."


class Chosen(NamedTuple):
    """The tensors of the network, and how they were found."""

    kind: str  # who wrote the file: torchcfm, flow-matching, state-dict, or a class's name
    weights: str  # ema, raw, or unknown
    attributes: dict[str, Any]  # plain settings beside the tensors
    tensors: dict[str, TensorName]  # by state-dict name


def network_of(value: Any) -> Chosen:
    """The network in what torch.save was given; a ValueError if no state dict is found in it."""
    if isinstance(value, Made):  # which only some files may hold
        module = module_in(value)
        return Chosen(module.class_name, "unknown", module.settings, _state_dict(module.tensors))
    if type(value) is not dict:
        raise ValueError("it holds no dict; save a state dict")
    settings = scalars(value)
    for holder, (kind, weights) in _HOLDERS.items():
        if type(value.get(holder)) is dict:
            return Chosen(kind, weights, settings, _state_dict(value[holder]))
    if type(value.get("model")) is dict:
        return _with_model(value["model"], settings | _arguments(value.get("args")))
    if any(key.startswith(_SHADOW) for key in value if type(key) is str):
        return _with_model(value, {})
    weights = "unknown" if _count_in(value) is None else "ema"
    return Chosen("state-dict", weights, {}, _state_dict(value))


def require_names(tensors: dict[str, TensorName]) -> None:
    """Raise a ValueError if averages have numbers for names: a .safetensors doesn't keep an order."""
    if any(_SHADOW in name for name in tensors):
        raise ValueError(
            "its averages are numbered and .safetensors keeps no order to number by; give the .pth"
        )


def _arguments(value: Any) -> dict[str, Any]:
    """flow_matching's `args`: the plain ones of an argparse.Namespace."""
    is_known = isinstance(value, Made) and value.of == NAMESPACE
    return scalars(value.state) if is_known else {}


def _with_model(model: dict[Any, Any], attributes: dict[str, Any]) -> Chosen:
    """flow_matching's `model`: its averages if there are any, otherwise the raw tensors."""
    tensors = _state_dict(model)
    if not any(name.startswith(_SHADOW) for name in tensors):
        return Chosen("flow-matching", "raw", attributes, tensors)
    return Chosen("flow-matching", "ema", attributes, _averaged(tensors))


def _averaged(tensors: dict[str, TensorName]) -> dict[str, TensorName]:
    """`shadow_params.<i>` under the name of the i-th of `model.*`, which has its shape."""
    names = [name for name in tensors if name.startswith(_RAW)]
    shadows = [name for name in tensors if name.startswith(_SHADOW)]
    wanted = [f"{_SHADOW}{place}" for place in range(len(names))]
    if sorted(wanted) != sorted(shadows):
        raise ValueError(
            f"it holds {len(shadows)} averaged tensors for {len(names)} of the network; they "
            "must be one for one, without frozen parameters or buffers"
        )
    pairs = list(zip(names, wanted, strict=True))
    for name, shadow in pairs:
        if tensors[name].shape != tensors[shadow].shape:
            raise ValueError(
                f"{shadow} and {name} have different shapes, so the averages aren't in the network's order"
            )
    return {_unwrapped(name.removeprefix(_RAW)): tensors[shadow] for name, shadow in pairs}


def _state_dict(value: Any) -> dict[str, TensorName]:
    """The tensors by name without wrappers and count; a ValueError for anything but named tensors."""
    if type(value) is not dict or not value or len(value) > _MAX_TENSORS:
        raise ValueError(f"it holds no state dict of 1 to {_MAX_TENSORS:,} tensors")
    count = _count_in(value)
    value = {name: tensor for name, tensor in value.items() if name != count}
    for name, tensor in value.items():
        if type(name) is not str or not _NAME.fullmatch(name) or not isinstance(tensor, TensorName):
            shown = name[:60] if type(name) is str else name
            raise ValueError(f"{shown!r} isn't the name of a tensor; save the state dict alone")
    found = {_unwrapped(name): tensor for name, tensor in value.items()}
    if len(found) != len(value):
        raise ValueError("two of its tensors have one name once their wrappers' are taken off")
    return found


def _count_in(value: dict[Any, Any]) -> str | None:
    """The name of AveragedModel's count, `n_averaged` with or without wrappers; else None.

    Beside it all names begin with `module.`; otherwise it is a tensor of the network like any other.
    """
    names = [name for name in value if type(name) is str]
    found = [name for name in names if _unwrapped(name) == _COUNT]
    if len(found) != 1 or len(names) != len(value):
        return None
    inside = found[0].removesuffix(_COUNT) + "module."
    others = [name for name in names if name != found[0]]
    return found[0] if others and all(name.startswith(inside) for name in others) else None


def _unwrapped(name: str) -> str:
    """The name without the prefixes of parallel training and torch.compile."""
    return name.removeprefix(found[0]) if (found := _WRAPPERS.match(name)) else name
