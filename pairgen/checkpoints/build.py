"""A network from a foreign checkpoint: built from its keywords, then given its tensors, strictly.

What the network is comes from the first of these that says it:

1. the file: EDM's pickles hold the class names and the arguments that the network was built with;
2. the preset that the user names, for bare state dicts (build_presets.py);
3. the names and shapes of the tensors, for the networks of flow matching: they fit one preset alone.

The network is built on torch's device "meta", without memory for weights: keywords from a hostile file
can't make it allocate anything. Names and shapes must then match one for one, and the checkpoint's tensors
become the network's, without a copy if they are float32.
"""

import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from kdm.networks.build import PRECONDITIONERS, build_edm, build_velocity
from kdm.networks.guided_unet import GuidedUNet
from kdm.networks.point_velocity import PointVelocity
from kdm.networks.preconditioning import Preconditioner
from pairgen.checkpoints.build_presets import EDM_LICENCE, PRESETS, Preset, preset_named
from pairgen.checkpoints.checkpoint import Checkpoint

Network = Preconditioner | GuidedUNet | PointVelocity
Tensors = Mapping[str, NDArray[Any]]

_LARGEST = 2**16  # of a number among the keywords; labels of ImageNet-21k are 21,841
_MOST_BLOCKS = 64  # a level; the released networks have 4 at most
_MOST_LEVELS = 12


def described(checkpoint: Checkpoint, preset: str = "") -> Preset:
    """What the checkpoint's network is built with, by the file, the preset's name, or the shapes.

    Raises a ValueError if none of them tells, or if file and preset both do.
    """
    if checkpoint.architecture:
        if preset:
            raise ValueError("the file says what its network is; leave --preset out")
        return _of_file(checkpoint)
    if preset:
        return preset_named(preset)
    if points := _of_points(checkpoint.tensors):
        return points
    fitting = [name for name, each in PRESETS.items() if fits(each, checkpoint.tensors)]
    flows = [name for name in fitting if PRESETS[name].precond is None]
    if flows:
        return PRESETS[flows[0]]
    if fitting:  # several preconditioners have networks of the same shapes
        raise ValueError(
            f"its shapes do not tell the preconditioner; if it is one of {', '.join(fitting)}, "
            "say so with --preset"
        )
    raise ValueError(
        "the file does not say what its network is, and no preset has its shapes; give "
        "--preset FILE.yaml with its precond and init_kwargs"
    )


def built(preset: Preset, tensors: Tensors) -> Network:
    """The network with these tensors, in eval mode and without gradients.

    Raises a ValueError that counts the tensors that are missing, unknown or of another shape, and names the
    first of each.
    """
    net = empty(preset)
    _require_fit(_shapes(net), tensors)
    with warnings.catch_warnings():
        # Tensors may be views of read-only bytes: a teacher's weights are never written to.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        weights = {name: _float32(name, tensor) for name, tensor in tensors.items()}
    net.load_state_dict(weights, strict=True, assign=True)
    return net.eval().requires_grad_(False)


def fits(preset: Preset, tensors: Tensors) -> bool:
    """Whether the preset's network has exactly these names and shapes.

    Only flow matching's U-Nets have a `time_embed`, so that most presets are ruled out unbuilt.
    """
    if ("time_embed.0.weight" in tensors) != (preset.precond is None):
        return False  # without building it
    return _shapes(empty(preset)) == {name: tensor.shape for name, tensor in tensors.items()}


def _of_points(tensors: Tensors) -> Preset | None:
    """The MLP of flow_matching's 2-D example; its shapes say everything, as it has one input more: t."""
    first, last = (tensors.get(f"main.{layer}.weight") for layer in (0, 8))
    if first is None or last is None or not first.ndim == last.ndim == 2:
        return None
    return Preset(init_kwargs={"input_dim": len(last), "hidden_dim": len(first)})


def _of_file(checkpoint: Checkpoint) -> Preset:
    """EDM's: the arguments of the preconditioner, with those defaults that its attributes show."""
    outer = checkpoint.architecture[0]
    if outer.init_args:
        raise ValueError(
            f"{outer.class_name} was built with positional arguments; save its state dict "
            "and import that with --preset"
        )
    # What wasn't passed to it is still among its attributes: sigma_max, beta_d.
    own = set(_own_keywords(outer.class_name)) & checkpoint.attributes.keys()
    keywords = outer.init_kwargs | {name: checkpoint.attributes[name] for name in own}
    finite = {name: value for name, value in keywords.items() if value != math.inf}
    return Preset(precond=outer.class_name, init_kwargs=finite, license=EDM_LICENCE)


def empty(preset: Preset) -> Network:
    """The network on device "meta": shapes without memory.

    Raises a ValueError if the keywords don't build one, with torch's or pydantic's reason.
    """
    _require_plausible(preset)
    try:
        with torch.device("meta"):
            if preset.precond is not None:
                return build_edm(preset.precond, preset.init_kwargs)
            return build_velocity(preset.init_kwargs)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise ValueError(f"its keywords build no network: {place} {fault['msg']}") from error
    except KeyError as error:
        raise ValueError(f"its keywords build no network: {error} is missing") from error
    except (TypeError, ArithmeticError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"its keywords build no network: {said[:200]}") from error


def _require_plausible(preset: Preset) -> None:
    """Raise a ValueError for keywords whose network would take minutes or gigabytes merely to describe."""
    keywords = preset.init_kwargs
    for name, value in keywords.items():
        for number in value if isinstance(value, list | tuple) else [value]:
            if isinstance(number, int | float) and not abs(number) <= _LARGEST:
                raise ValueError(f"its keyword {name[:40]} is {number!r}, which builds no network")
    blocks = [keywords.get(name) for name in ("num_blocks", "num_res_blocks")]
    if any(isinstance(number, int) and number > _MOST_BLOCKS for number in blocks):
        raise ValueError(f"its network would have more than {_MOST_BLOCKS} blocks a level")
    levels = keywords.get("channel_mult")
    if isinstance(levels, list | tuple) and len(levels) > _MOST_LEVELS:
        raise ValueError(f"its network would have more than {_MOST_LEVELS} levels")
    for name in _own_keywords(preset.precond):
        if type(keywords.get(name, 0)) not in (int, float):
            raise ValueError(f"its keyword {name} is {keywords[name]!r}, which isn't a number")


def _own_keywords(precond: str | None) -> list[str]:
    """Those of the preconditioner itself, such as sigma_data; the rest go to its network."""
    if precond not in PRECONDITIONERS:
        return []
    parameters = inspect.signature(PRECONDITIONERS[precond]).parameters
    return [name for name in parameters if name != "model"]


def _shapes(net: Network) -> dict[str, tuple[int, ...]]:
    """Of all entries of the state dict, buffers too, in its order."""
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


def _require_fit(wanted: Mapping[str, tuple[int, ...]], tensors: Tensors) -> None:
    """Raise a ValueError unless the names and shapes are those of the network, one for one."""
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    other = [
        f"{name}, {tensors[name].shape} for {shape}"
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape != shape
    ]
    faults = [
        f"{len(names):,} {what} (first: {names[0][:160]})"
        for what, names in (("missing", missing), ("unknown", unknown), ("of another shape", other))
        if names
    ]
    if faults:
        raise ValueError(f"its tensors are not those of the network: {', '.join(faults)}")


def _float32(name: str, tensor: NDArray[Any]) -> torch.Tensor:
    """The same values; float16, bfloat16 and float64 are converted, other types are a ValueError."""
    if tensor.dtype.kind != "f":
        raise ValueError(f"{name[:100]} holds {tensor.dtype}, but a network needs float numbers")
    return torch.from_numpy(np.ascontiguousarray(tensor, np.float32))
