"""Names of a published KDM student's tensors, translated to this project's and back.

The published module has five children: two encoders and a decoder, which are U-Nets or hold one as
`main_module` beside a `linear` layer, the operator, and the control C_μ. P's real and imaginary parts are
two tensors (d, d) there, and one (2, d, d) here. Names inside a U-Net are EDM's in both.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_CODERS = {
    "x0_observables_encoder": "encoder_0",
    "xT_observables_encoder": "encoder_T",
    "x0_observables_decoder": "decoder",
}
_OPERATOR, _CONTROL = "koopman_operator.", "koopman_control."
_VECTORS = {"nu_log": "nu", "theta_log": "theta_log"}


def to_ours(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict under a `KoopmanStudent`'s names.

    Raises a ValueError for a name that a published student can't have.
    """
    ours = {_our_name(name): tensor for name, tensor in published.items() if not _is_part(name)}
    for name in ("P", "P_inv"):
        parts = [published.get(f"{_OPERATOR}{name}_{part}") for part in ("re", "im")]
        if parts[0] is not None and parts[1] is not None:
            ours[f"operator.{name}"] = torch.stack([parts[0], parts[1]])
    return ours


def to_published(ours: Mapping[str, Tensor], *, has_linear: bool) -> dict[str, Tensor]:
    """Parameters or gradients of a `KoopmanStudent` by their published names.

    `has_linear`: whether its U-Nets are beside a linear layer ("Linear Module", Table 7).
    """
    published: dict[str, Tensor] = {}
    for name, tensor in ours.items():
        if name in ("operator.P", "operator.P_inv"):
            stem = _OPERATOR + name.removeprefix("operator.")
            published |= {f"{stem}_re": tensor[0], f"{stem}_im": tensor[1]}
        else:
            published[_published_name(name, has_linear=has_linear)] = tensor
    return published


def _our_name(name: str) -> str:
    child, _, rest = name.partition(".")
    if child in _CODERS:
        inner = rest if rest.startswith("linear.") else f"unet.{rest.removeprefix('main_module.')}"
        return f"{_CODERS[child]}.{inner}"
    if name.startswith(_OPERATOR):
        return f"operator.{_VECTORS.get(rest, f'linear.{rest}')}"
    if name.startswith(_CONTROL):
        return f"control.{rest}"
    known = ", ".join([*_CODERS, _OPERATOR[:-1], _CONTROL[:-1]])
    raise ValueError(f"{name} isn't part of a published KDM student; its parts are {known}")


def _published_name(name: str, *, has_linear: bool) -> str:
    child, _, rest = name.partition(".")
    if child == "operator":
        back = {ours: theirs for theirs, ours in _VECTORS.items()}
        return _OPERATOR + back.get(rest, rest.removeprefix("linear."))
    if child == "control":
        return _CONTROL + rest
    theirs = next(theirs for theirs, ours in _CODERS.items() if ours == child)
    if rest.startswith("unet."):
        rest = ("main_module." if has_linear else "") + rest.removeprefix("unet.")
    return f"{theirs}.{rest}"


def _is_part(name: str) -> bool:
    return name.startswith(_OPERATOR) and name.endswith(("_re", "_im"))
