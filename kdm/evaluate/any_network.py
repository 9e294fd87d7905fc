"""Any network of pictures from a local file, TorchScript's or safetensors: an exported DINOv2, for example.

Nothing in such a file says how pictures go in, so the metric's options do: the side they are brought to, by
torch's resize with antialiasing, and the mean and deviation of their values in 0 … 1.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from kdm.evaluate.feature_network import by_batches
from kdm.metrics.views import PictureInput


class AnyNetwork:
    """A network x [n, 3, side, side] → features [n, d] on a device."""

    def __init__(
        self,
        path: Path,
        given: PictureInput,
        *,
        device: torch.device | None = None,
        architecture: str | None = None,
    ) -> None:
        """Raises a ValueError that names the file if it gives no vector for a picture.

        With an `architecture`, torchvision's name of it, the file holds weights alone, as safetensors.
        """
        self._given, self._device = given, device or torch.device("cpu")
        if architecture is not None:
            self._network: Any = _with_weights(path, architecture).to(self._device)
        try:
            if architecture is None:
                self._network = _read(path, self._device)
            self.num_features = self._seen(np.zeros((2, 3, 8, 8), np.uint8)).shape[1]
        except (RuntimeError, AttributeError, TypeError, ValueError) as error:
            kind = "TorchScript" if architecture is None else f"torchvision {architecture}"
            reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
            raise ValueError(
                f"{path} isn't a {kind} network that takes pictures [n, 3, {given.size}, "
                f"{given.size}] and gives a vector for each ({reason[:120]}); correct the metric's size, "
                "or export a network that returns [n, d]"
            ) from error

    def look(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [n, d] of bytes [n, 1 or 3, H, W]; grey pictures are shown as coloured ones."""
        coloured = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:]))
        return by_batches(coloured, self._seen)

    @torch.inference_mode()
    def _seen(self, pictures: NDArray[np.uint8]) -> Tensor:
        size, resize, mean, deviation = self._given
        values = torch.from_numpy(np.array(pictures)).to(self._device).float()
        resized = F.interpolate(
            values, (size, size), mode=resize, antialias=True, align_corners=False
        )
        middle, width = (torch.tensor(each, device=self._device) for each in (mean, deviation))
        normal = (resized.clip(0, 255) / 255 - middle[:, None, None]) / width[:, None, None]
        found = self._network(normal)
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(pictures):
            said = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(f"it gives {said} for {len(pictures)} pictures, not [n, d]")
        return found.float().cpu()


def _read(path: Path, device: torch.device) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript itself
        read: Any = torch.jit.load  # untyped
        return read(path, map_location=device).eval()


def _with_weights(path: Path, architecture: str) -> Any:
    from kdm.evaluate.torchvision_network import torchvision_network  # takes seconds to import

    return torchvision_network(path, architecture)
