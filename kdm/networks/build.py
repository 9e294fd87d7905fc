"""A network from the keywords that its published checkpoint names.

Checkpoints of EDM record the class and arguments of their network, those of flow matching come with a
configuration. Both are given here as they are, so that a file needs no translation by hand.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from kdm.networks.dhariwal_unet import DhariwalUNet, DhariwalUNetOptions
from kdm.networks.guided_unet import GuidedUNet, GuidedUNetOptions
from kdm.networks.point_velocity import PointVelocity, PointVelocityOptions
from kdm.networks.preconditioning import EDM, IDDPM, VE, VP, Preconditioner
from kdm.networks.song_unet import SongUNet, SongUNetOptions

PRECONDITIONERS: dict[str, type[Preconditioner]] = {
    "EDMPrecond": EDM,
    "VPPrecond": VP,
    "VEPrecond": VE,
    "iDDPMPrecond": IDDPM,
}
# The architecture that a released class takes if a checkpoint doesn't name one.
DEFAULT_MODELS = {
    "EDMPrecond": "DhariwalUNet",
    "VPPrecond": "SongUNet",
    "VEPrecond": "SongUNet",
    "iDDPMPrecond": "DhariwalUNet",
}


def build_edm(
    precond: str, keywords: Mapping[str, Any], *, channels: tuple[int, int] | None = None
) -> Preconditioner:
    """D_θ from the name of a released class and its keywords; what it doesn't know goes to F_θ.

    `channels` are those into F_θ and out of it, where a student changes them. Raises a ValueError for an
    unknown class or architecture, and pydantic's for a wrong keyword.
    """
    if precond not in PRECONDITIONERS:
        raise ValueError(f"no preconditioner {precond!r}; there are {', '.join(PRECONDITIONERS)}")
    kind, inner = PRECONDITIONERS[precond], dict(keywords)
    inner.pop("use_fp16", None)  # the number type is chosen at each call
    model = inner.pop("model_type", DEFAULT_MODELS[precond])
    colours = inner.pop("img_channels")
    num_in, num_out = channels or (colours, colours * (2 if kind is IDDPM else 1))
    own = {key: inner.pop(key) for key in _own_keywords(kind) if key in inner}
    inner |= {"in_channels": num_in, "out_channels": num_out}
    return kind(_build_inner(model, inner), **own)


def build_velocity(keywords: Mapping[str, Any]) -> GuidedUNet | PointVelocity:
    """v_θ of a flow-matching teacher; only networks for points have a keyword `hidden_dim`."""
    if "hidden_dim" in keywords:
        return PointVelocity(PointVelocityOptions.model_validate(keywords))
    return build_guided(keywords)


def build_guided(keywords: Mapping[str, Any]) -> GuidedUNet:
    """A U-Net from the keywords of torchcfm (which has `dim`), or of flow_matching's image example."""
    is_torchcfm = "dim" in keywords
    options = GuidedUNetOptions.from_torchcfm(keywords) if is_torchcfm else None
    return GuidedUNet(options or GuidedUNetOptions.model_validate(keywords))


def _build_inner(model: str, keywords: Mapping[str, Any]) -> SongUNet | DhariwalUNet:
    """F_θ by the name of its architecture; a ValueError for an unknown name."""
    if model == "SongUNet":
        return SongUNet(SongUNetOptions.model_validate(keywords))
    if model == "DhariwalUNet":
        return DhariwalUNet(DhariwalUNetOptions.model_validate(keywords))
    raise ValueError(f"no architecture {model!r}; there are SongUNet and DhariwalUNet")


def _own_keywords(kind: type[Preconditioner]) -> list[str]:
    return [name for name in inspect.signature(kind).parameters if name != "model"]
