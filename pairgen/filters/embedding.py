"""Drops pictures that a network takes for a real one: SSCD, DINOv2, or any other from a local file.

    score = max over the reference's pictures r and the views v of cos(f(v(x_0)), f(r))

f is a network that gives a vector for a picture; the views are the picture and its mirror image. SSCD (Pizzi
et al. 2022) is trained to tell copies, however they were cropped or coloured, and above .5 is taken for one
(Somepalli et al. 2023); on pictures of 32 pixels a side that is uncalibrated, so that the threshold comes
from held-out real ones here.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from kdm.evaluate.nearest import nearest_distances
from kdm.metrics.views import PictureInput
from kdm.pretrained import sha256_of_weights, weights_file
from pairgen.filters.filter import Filter, FittedFilter
from storage.records import PairBatch, to_bytes

_NEEDED_BY = "filter 'embedding'"
_OTHERWISE = "take the filter out of the recipe"
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of values in 0 … 1
Vectors = NDArray[np.float64]


class Embedding(Filter):
    """High scores are bad: a pair is kept if its score is at most the threshold."""

    plugin: ClassVar[str] = "embedding"
    finds_copies: ClassVar[bool] = True
    needs_pictures: ClassVar[bool] = True
    can_leave_out: ClassVar[bool] = True
    drops = "high"

    # A file in the weights folder: a network x [n, 3, size, size] → [n, d].
    network: str = Field("sscd_disc_mixup.torchscript.pt", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    # Torchvision's name of a network whose weights alone the file holds, as safetensors; null: TorchScript.
    architecture: str | None = None
    sha256: str = ""  # of the file; it is filled in, so that another file has other scores
    size: int | None = Field(288, ge=8, le=1_024)  # pixels a side; null: as they are, if square
    resize: Literal["bicubic", "bilinear"] = "bilinear"  # torch's, with antialiasing
    mean: tuple[float, float, float] = _IMAGENET[0]  # taken from values in 0 … 1
    deviation: tuple[float, float, float] = _IMAGENET[1]  # by which they are divided then

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, options: Any) -> Any:
        if not isinstance(options, Mapping) or options.get("sha256"):
            return options
        name = options.get("network", cls.model_fields["network"].default)
        if not isinstance(name, str) or "/" in name:
            return options  # pydantic says what is wrong with it
        weights_file(name, of=_NEEDED_BY, otherwise=_OTHERWISE)
        return {**options, "sha256": sha256_of_weights(name)}

    def fit(self, reference: NDArray[Any]) -> "FittedEmbedding":
        """The filter against real pictures [m, 1 or 3, H, W]; a ValueError if the file isn't as stated."""
        path = weights_file(self.network, of=_NEEDED_BY, otherwise=_OTHERWISE)
        found = sha256_of_weights(self.network)
        if found != self.sha256:
            raise ValueError(
                f"{path} has sha256 {found[:12]}…, and the recipe states {self.sha256[:12]}…; put the "
                "stated file there, or leave out 'sha256' and judge again with this one"
            )
        height, width = reference.shape[2:]
        if self.size is None and height != width:
            raise ValueError(f"pictures are {height}×{width}, not square; set 'size'")
        from kdm.evaluate.any_network import AnyNetwork  # torch: recipes name filters

        given = PictureInput(self.size or height, self.resize, self.mean, self.deviation)
        return FittedEmbedding(AnyNetwork(path, given, architecture=self.architecture), reference)


class FittedEmbedding(FittedFilter):
    """Holds the vectors [m, d] of the reference, each of length 1."""

    def __init__(self, network: Any, reference: NDArray[Any]) -> None:
        self._network = network
        self._reference = self._vectors(reference)

    def without(self, rows: NDArray[np.int64]) -> "FittedEmbedding":
        """Without these rows of the reference, whose pictures the network sees only once."""
        left = copy(self)
        left._reference = np.delete(self._reference, rows, axis=0)
        return left

    def score(self, pairs: PairBatch) -> Vectors:
        """The largest cosine similarity to a real picture, float64 [n], −1 … 1."""
        if not len(pairs):
            return np.empty(0)
        views = (pairs.x_0, pairs.x_0[..., ::-1])
        # Of unit vectors ‖a − b‖² = 2 − 2 cos: a copy has 1 exactly.
        apart = [nearest_distances(self._vectors(view), self._reference) for view in views]
        return np.asarray(1 - np.minimum(*apart) ** 2 / 2)

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64]:
        """The row of the most similar real picture, int64 [n]."""
        alike = [
            self._vectors(view) @ self._reference.T for view in (pairs.x_0, pairs.x_0[..., ::-1])
        ]
        return np.asarray(np.maximum(*alike).argmax(axis=1), np.int64)

    def _vectors(self, pictures: Iterable[NDArray[Any]]) -> Vectors:
        """One picture a pass: among others its last digits would depend on them."""
        rows = [self._network.look(_as_bytes(picture)[None])[0] for picture in pictures]
        vectors = np.asarray(rows, np.float64)
        lengths = np.sqrt((vectors**2).sum(axis=1))
        wrong = np.flatnonzero(~((lengths > 0) & np.isfinite(lengths)))
        if len(wrong):
            raise ValueError(
                f"the network gives picture {wrong[0]} a vector of length {lengths[wrong[0]]:g}, which "
                "has no direction; use another network"
            )
        return np.asarray(vectors / lengths[:, None])


def _as_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture of −1 … 1 as bytes, as EDM's generate.py rounds it; those that were bytes are them again."""
    return to_bytes(np.asarray(picture, np.float32), "floor")
