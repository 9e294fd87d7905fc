"""LPIPS's trunks with ImageNet weights, and the weights of their channels that `lpips` brings.

Two files make a distance of Zhang et al. 2018: torchvision's classifier (trunk), and the v0.1 "lin"
weights, which come with the `lpips` package. Both are read as tensors alone: nothing in a file is
executed, and a file with other contents than expected is refused, since it would be another distance.
"""

import pickle
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kdm.losses.lpips_trunks import LpipsNet
from kdm.torchvision_import import import_torchvision
from storage.digest import sha256_of
from storage.inert.stand_ins import require_named_itself

# Of lpips/weights/v0.1/NET.pth in lpips 0.1.4; a release with others would be another distance.
_HEADS: dict[LpipsNet, str] = {
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
}


def head_weights(net: LpipsNet) -> list[Tensor]:
    """The weights w_l (c_l,) of the channels by layer, never negative.

    Raises a ValueError if the installed package's file isn't that of LPIPS v0.1.
    """
    package = find_spec("lpips")
    assert package is not None  # it was looked for before the weights
    assert package.origin is not None
    path = Path(package.origin).parent / "weights" / "v0.1" / f"{net}.pth"
    if not path.is_file() or sha256_of(path.read_bytes()) != _HEADS[net]:
        raise ValueError(
            f"{path} is not that of LPIPS v0.1; pip install --force-reinstall lpips==0.1.4"
        )
    heads = tensors_of(path)
    return [heads[f"lin{layer}.model.1.weight"].flatten() for layer in range(len(heads))]


def trunk_with(net: LpipsNet, file: Path | None, *, has_max_pooling: bool) -> nn.Module:
    """The package's trunk on the CPU, with the weights of a torchvision classifier's file.

    Without a file it is on the meta device and has shapes alone.

    Called with pictures (n, 3, h, w) it gives the activations (n, c_l, h_l, w_l) of its layers.
    `has_max_pooling` False replaces each max pooling by average pooling, of the same size and step.
    Raises a ValueError if the file holds another network's weights, or anything but tensors.
    """
    trunk = _empty_trunk(net)
    if file is not None:
        _fill(trunk, net, file)
    if not has_max_pooling:
        _average_pools(trunk)
    return trunk


def _fill(trunk: nn.Module, net: LpipsNet, file: Path) -> None:
    given = tensors_of(file)
    names = {name: f"features.{name.partition('.')[2]}" for name in trunk.state_dict()}
    try:
        trunk.load_state_dict({own: given[name] for own, name in names.items()}, assign=True)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{file} holds no weights of a torchvision {net}: {error}") from error


def _empty_trunk(net: LpipsNet) -> nn.Module:
    """The trunk on the meta device: a classifier's random weights would take half a gigabyte."""
    import_torchvision()
    from lpips import pretrained_networks as networks

    kinds = {"vgg": networks.vgg16, "alex": networks.alexnet, "squeeze": networks.squeezenet}
    with torch.device("meta"), warnings.catch_warnings():
        # torchvision calls `pretrained` by another name.
        warnings.simplefilter("ignore", UserWarning)
        trunk: nn.Module = kinds[net](pretrained=False)
    return trunk


def _average_pools(trunk: nn.Module) -> None:
    for part in trunk.children():
        for name, layer in part.named_children():
            if isinstance(layer, nn.MaxPool2d):
                size, step = layer.kernel_size, layer.stride
                setattr(part, name, nn.AvgPool2d(size, step, ceil_mode=layer.ceil_mode))


def tensors_of(path: Path) -> dict[str, Tensor]:
    """A state dict by name, read without executing anything in it; a ValueError for other contents."""
    with path.open("rb") as file:
        require_named_itself(file.read(512), str(path))
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
    ) as error:  # whose words advise to unpickle it
        raise ValueError(
            f"{path} is not a file of weights alone: it is cut off, or holds other objects; download it "
            "again, or save a state dict with torch.save"
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no weights by name, but {type(found).__name__}")
    return found
