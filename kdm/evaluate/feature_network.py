"""Inception as published for FID, from a local TorchScript file: features h(x) and probabilities p(k | x).

The file's interface is StyleGAN2-ADA's (`inception-2015-12-05.pt`, which clean-fid uses too), of bytes
[n, 3, H, W] as 0 … 255:

    net(x, return_features=True)  → [n, d]        resizes to 299×299 inside, as TensorFlow 1 did
    net(x, no_output_bias=True)   → [n, classes]  probabilities, softmax(W h)
    net.layers(x)                 → [n, d]        of 299×299 pictures, (x − 128) / 128
    net.output                    → a linear layer with the weights W

Whether a file has it is tried on one picture before anything is measured.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from kdm.metrics.views import Mode

_SIDE = 299  # pixels, what the network was trained on
_BATCH = 50  # pictures a pass; the last digits may depend on it, so it is no option
_TOLERANCE = 1e-4  # of probabilities, between two ways to them


class FeatureNetwork:
    """A network of that interface on a device, ready to look at pictures."""

    def __init__(
        self, path: Path, mode: Mode = "legacy_tensorflow", *, device: torch.device | None = None
    ) -> None:
        """Raises a ValueError that names the file if it isn't such a network."""
        self.device, self._mode = device or torch.device("cpu"), mode
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # published files are TorchScript
                read: Any = torch.jit.load  # untyped
                self._network = read(path, map_location=self.device).eval()
            self._weight: Tensor = self._network.output.weight.detach().float()
            self.num_features = self._tried()
        except (RuntimeError, AttributeError, TypeError, ValueError) as error:
            reason = (
                str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
            )
            raise ValueError(
                f"{path} isn't a TorchScript network with the interface of StyleGAN's "
                f"inception-2015-12-05.pt ({reason[:120]}); put the published file there"
            ) from error

    def look(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features and probabilities, [n, d + classes], of bytes [n, 1 or 3, H, W].

        Grey pictures are shown as coloured ones.
        """
        coloured = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:]))
        return by_batches(coloured, self._seen)

    def _seen(self, pictures: NDArray[np.uint8]) -> Tensor:
        features = self._features(pictures, self._mode)
        return torch.cat([features, (features @ self._weight.cpu().T).softmax(1)], dim=1)

    @torch.inference_mode()
    def _features(self, pictures: NDArray[np.uint8], mode: Mode) -> Tensor:
        """h(x) [n, d] of bytes [n, 3, H, W], float32 on the CPU."""
        if mode == "clean":
            resized = torch.from_numpy(cleanly_resized(pictures)).to(self.device)
            found = self._network.layers((resized - 128) / 128)
        else:
            given = torch.from_numpy(np.array(pictures)).to(self.device)  # grey ones share memory
            found = self._network(given, return_features=True)
        return found.reshape(len(pictures), -1).float().cpu()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def _tried(self) -> int:
        """d; raises a ValueError if the network's two ways to probabilities differ."""
        picture = np.random.RandomState(0).randint(0, 256, (1, 3, _SIDE, _SIDE)).astype(np.uint8)
        features = self._features(picture, "legacy_tensorflow")
        if self._features(picture, "clean").shape != features.shape:
            raise ValueError("its layers give other features than its call")
        told = self._network(torch.from_numpy(picture).to(self.device), no_output_bias=True)
        own = (features @ self._weight.cpu().T).softmax(1)
        if told.shape != own.shape or not torch.allclose(told.float().cpu(), own, atol=_TOLERANCE):
            raise ValueError("its probabilities aren't those of its features and output layer")
        return features.shape[1]


def by_batches(
    pictures: NDArray[np.uint8], look: Callable[[NDArray[np.uint8]], Tensor]
) -> NDArray[np.float32]:
    """What a network gives for all pictures, a few at a time."""
    starts = range(0, len(pictures), _BATCH)
    parts = [look(pictures[first : first + _BATCH]).numpy() for first in starts]
    return np.concatenate(parts).astype(np.float32, copy=False)


def cleanly_resized(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes [n, c, H, W] at 299×299, 0 … 255: bicubic with antialiasing, on floats (Parmar et al. 2022)."""
    size = (_SIDE, _SIDE)
    resized = np.empty((*pictures.shape[:2], *size), np.float32)
    for place in np.ndindex(*pictures.shape[:2]):
        channel = Image.fromarray(pictures[place].astype(np.float32))  # mode F
        resized[place] = np.asarray(channel.resize(size, resample=Image.Resampling.BICUBIC))
    return resized.clip(0, 255)
