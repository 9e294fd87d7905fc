"""Inception as pytorch-fid has it, from its file of weights: clean-fid's mode `legacy_pytorch`.

pytorch-fid carried the published weights over to torchvision's layers, and patched four kinds of blocks that
differ. clean-fid brings those blocks (`cleanfid.inception_pytorch`); only its downloading is left out here.
Pictures go in as (x/255) · 2 − 1, resized as torch does it without antialiasing. Classes are those of
its last layer without its bias, as for torch-fidelity's inception score.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from kdm.evaluate.feature_network import by_batches
from kdm.losses.lpips_weights import tensors_of
from kdm.metrics.network_metric import CLASSES
from kdm.networks.image_shapes import Images, Maps
from kdm.torchvision_import import import_torchvision

_SIDE = 299
_POOLS = {"Mixed_5b": (192, 32), "Mixed_5c": (256, 64), "Mixed_5d": (288, 64)}  # in, of the pool
_SEVENS = {"Mixed_6b": 128, "Mixed_6c": 160, "Mixed_6d": 160, "Mixed_6e": 192}  # channels of 7×7
_STAGES = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1"),
    *("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"),
    *(*_POOLS, "Mixed_6a", *_SEVENS, "Mixed_7a", "Mixed_7b", "Mixed_7c", "avgpool"),
)


class PytorchFidNetwork:
    """That network on a device, ready to look at pictures."""

    num_features = 2_048

    def __init__(self, path: Path, *, device: torch.device | None = None) -> None:
        """Raises a ValueError that names the file if it doesn't hold its weights, all of them."""
        self._device = device or torch.device("cpu")
        network = empty_network()
        try:
            network.load_state_dict(tensors_of(path), assign=True)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ValueError(
                f"{path} doesn't hold the weights of pytorch-fid's Inception ({reason[:120]}); put the "
                "published file there"
            ) from error
        network.to(self._device, torch.float32).eval().requires_grad_(False)
        self._stages = nn.Sequential(*(getattr(network, name) for name in _STAGES))
        self._weight = network.get_parameter("fc.weight")

    def look(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features and probabilities, [n, 2,048 + 1,008], of bytes [n, 1 or 3, H, W]."""
        coloured = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:]))
        return by_batches(coloured, self._seen)

    @torch.inference_mode()
    def _seen(self, pictures: NDArray[np.uint8]) -> Tensor:
        features = self._stages(_resized(torch.from_numpy(np.array(pictures)).to(self._device)))
        features = features.flatten(1)
        return torch.cat([features, (features @ self._weight.T).softmax(1)], dim=1).cpu()


def empty_network() -> nn.Module:
    """pytorch-fid's Inception with no weights yet, on the meta device; as `fid_inception_v3` builds it.

    A ValueError says which packages it needs.
    """
    if find_spec("cleanfid") is None or find_spec("torchvision") is None:
        raise ValueError(
            "mode 'legacy_pytorch' needs the packages clean-fid and torchvision; pip install "
            "'kdm-offline[images]', or set mode to 'legacy_tensorflow'"
        )
    import_torchvision()
    from cleanfid import inception_pytorch as patched
    from torchvision.models import inception_v3

    with torch.device("meta"):
        network: nn.Module = inception_v3(
            weights=None, num_classes=CLASSES, aux_logits=False, init_weights=False
        )
        for name, (num_in, num_pool) in _POOLS.items():
            setattr(network, name, patched.FIDInceptionA(num_in, num_pool))
        for name, channels in _SEVENS.items():
            setattr(network, name, patched.FIDInceptionC(768, channels))
        network.Mixed_7b = patched.FIDInceptionE_1(1280)
        network.Mixed_7c = patched.FIDInceptionE_2(2048)
    return network


def _resized(pictures: Images) -> Maps:
    """Bytes [n, 3, H, W] at 299×299 as pytorch-fid has them, −1 … 1."""
    size = (_SIDE, _SIDE)
    larger = F.interpolate(pictures.float(), size, mode="bilinear", align_corners=False)
    return larger.clip(0, 255) / 255 * 2 - 1
