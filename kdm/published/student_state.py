"""A published KDM student from its tensors: their names and shapes give its constructor's arguments.

Width, levels, blocks, attention, latent channels, linear layer, classes and the kind of operator all show
in a state dict. The scale of the noise doesn't: it comes from the settings of a module that was saved
whole, or else from the user. How it was trained doesn't matter here: the result is there to sample.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor

from kdm.coders.mlp_coders import MlpCoders
from kdm.published.student_options import schema_of, student_of
from kdm.published.tensor_names import to_ours
from kdm.students.koopman import Koopman
from kdm.students.plugin import StudentPlugin
from kdm.students.student import Student
from storage.records import PairSchema

_LATENT_NOISE, _DROPOUT = 0.4, 0.10  # as published
_ENCODER, _OPERATOR, _CONTROL = "xT_observables_encoder.", "koopman_operator.", "koopman_control."
_DECODER = "x0_observables_decoder."
_UNUSED = "lpips."  # the distance's network, which only trains
_LARGEST_SIDE = 1024
_SIDE = re.compile(r"enc\.(\d{1,5})x\1_")
_POINTS = "main."  # the checkerboard's coders are sequences of linear layers and SiLUs
_POINT_LAYER = re.compile(r"\.main\.(\d{1,4})\.")


class PublishedStudent(NamedTuple):
    """A published student here: its options, the pairs that it is for, and its tensors by our names."""

    plugin: StudentPlugin
    schema: PairSchema
    state: dict[str, Tensor]

    def empty(self) -> Student:
        """The student on the meta device: shapes alone, so that a file can't make us allocate much."""
        with torch.device("meta"):
            return self.plugin.build(self.schema)


def published_student(
    tensors: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> PublishedStudent:
    """The student with these tensors, and the settings that were saved with them (or none).

    Raises a ValueError that says which tensor is missing, unknown or of another shape.
    """
    used = {
        name: _number_type(name, each)
        for name, each in tensors.items()
        if not name.startswith(_UNUSED)
    }
    is_of_points = f"{_ENCODER}{_POINTS}0.weight" in used
    try:
        found = _of_points(used) if is_of_points else _of_pictures(used, settings)
        wanted = found.empty().state_dict()
    except ValidationError as error:
        raise ValueError(f"its shapes build no student: {error.errors()[0]['msg']}") from error
    except (RuntimeError, ArithmeticError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"its shapes build no student: {said[:200]}") from error
    _require_fit(wanted, found.state)
    return found


def _number_type(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise ValueError(
            f"{name[:100]} holds {tensor.dtype}; a student's tensors hold float numbers"
        )
    return tensor.float()


def _of_pictures(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> PublishedStudent:
    keywords = _keywords(tensors, settings)
    is_factorised = f"{_OPERATOR}P_re" in tensors
    plugin = student_of(keywords, is_factorised=is_factorised)
    return PublishedStudent(plugin, schema_of(keywords), to_ours(tensors))


def _of_points(tensors: Mapping[str, Tensor]) -> PublishedStudent:
    """The checkerboard's: MLPs in which the time is one more input beside a point's numbers."""
    width, num_inputs = _shape(tensors, f"{_ENCODER}{_POINTS}0.weight")
    coders = MlpCoders(
        latent_dim=_shape(tensors, f"{_OPERATOR}weight")[0],
        width=width,
        num_encoder_layers=_num_weights(tensors, f"{_ENCODER}{_POINTS}"),
        num_decoder_layers=_num_weights(tensors, f"{_DECODER}{_POINTS}"),
        gain=1,
        noise_gain=1,
    )
    named = {_POINT_LAYER.sub(_layer, name): each for name, each in tensors.items()}
    state = {
        name.replace(".unet.layers.", ".layers."): each for name, each in to_ours(named).items()
    }
    return PublishedStudent(Koopman(networks=coders), PairSchema(shape=(num_inputs - 1,)), state)


def _num_weights(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return sum(name.startswith(prefix) and name.endswith(".weight") for name in tensors)


def _layer(found: "re.Match[str]") -> str:
    return f".layers.{int(found[1]) // 2}."  # every second one is a SiLU


def _keywords(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments on which a sample depends; the losses' are filled in anyhow."""
    has_linear = f"{_ENCODER}linear.weight" in tensors
    coder = f"{_ENCODER}main_module." if has_linear else _ENCODER
    sides = _sides(tensors, coder)
    first = _shape(tensors, f"{coder}enc.{sides[0]}x{sides[0]}_conv.weight")
    here = [name.removeprefix(coder) for name in tensors if name.startswith(coder)]
    label = tensors.get(f"{coder}map_label.weight")
    num_classes = 0 if label is None else _columns(label)
    return {
        "img_resolution": sides[0],
        "in_channels": first[1],
        "out_channels": _shape(tensors, f"{coder}dec.{sides[0]}x{sides[0]}_aux_conv.weight")[0],
        "label_dim": num_classes,
        "model_channels": first[0],
        "channel_mult": [
            _shape(tensors, f"{coder}enc.{side}x{side}_block0.conv1.weight")[0] // first[0]
            for side in sides
        ],
        "num_blocks": sum(
            name.startswith(f"enc.{sides[0]}x{sides[0]}_block") and name.endswith("conv1.weight")
            for name in here
        ),
        "attn_resolutions": [
            side for side in sides if f"enc.{side}x{side}_block0.qkv.weight" in here
        ],
        "dropout": _DROPOUT,
        "noisy_latent": _number(settings, "noisy_latent", _LATENT_NOISE),
        "initial_noise_factor": _noise_scale(settings),
        "cond_type": _conditioning(tensors, num_classes),
        "linear_proj": _shape(tensors, f"{_ENCODER}linear.weight")[0] if has_linear else None,
        "rec_loss_type": "L2",
        "koopman_loss_type": "NoLoss",
    }


def _sides(tensors: Mapping[str, Tensor], coder: str) -> list[int]:
    """The side in pixels of each level of a U-Net, finest first; a ValueError without any."""
    names = [name.removeprefix(coder) for name in tensors if name.startswith(coder)]
    sides = sorted({int(found[1]) for name in names if (found := _SIDE.match(name))}, reverse=True)
    if not sides or sides[0] > _LARGEST_SIDE or sides[-1] < 1:
        raise ValueError(
            f"it holds no {coder}enc.SIDExSIDE_conv.weight, so it isn't a published KDM student"
        )
    return sides


def _conditioning(tensors: Mapping[str, Tensor], num_classes: int) -> str:
    if f"{_CONTROL}weight" in tensors:
        return "KoopmanMatrixAddition"
    return "OnlyEncDec" if num_classes else "Uncond"


def _shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    """Rows and columns of a weight; a ValueError if it is missing."""
    if name not in tensors or tensors[name].ndim < 2:
        raise ValueError(f"it holds no weight {name}, which a published KDM student has")
    return tensors[name].shape[0], tensors[name].shape[1]


def _columns(weight: Tensor) -> int:
    return weight.shape[1] if weight.ndim == 2 else 0


def _noise_scale(settings: Mapping[str, Any]) -> float:
    """The standard deviation of x_T; a ValueError if the settings lack it.

    Students of EDM teachers have 80, those of flow matching 1.
    """
    value = settings.get("initial_noise_factor")
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(
            "it doesn't say the scale of its noise (initial_noise_factor); give --noise-scale 80 if "
            "its teacher was EDM, as the published script has it, or --noise-scale 1 if it was flow "
            "matching"
        )
    return float(value)


def _number(settings: Mapping[str, Any], name: str, usual: float) -> float:
    value = settings.get(name, usual)
    return float(value) if isinstance(value, int | float) else usual


def _require_fit(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    faults = [
        *(f"{name} is missing" for name in wanted if name not in state),
        *(f"{name} is unknown" for name in state if name not in wanted),
        *(
            f"{name} has shape {tuple(state[name].shape)} for {tuple(each.shape)}"
            for name, each in wanted.items()
            if name in state and state[name].shape != each.shape
        ),
    ]
    if faults:
        more = f", and {len(faults) - 1:,} more" if len(faults) > 1 else ""
        raise ValueError(f"its tensors are not those of a student: {faults[0][:200]}{more}")
