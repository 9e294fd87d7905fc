"""A classifier of pictures: it says which class a picture shows, and its features tell sets apart.

No published network knows a small set's pictures. A network that learned their classes can
say whether a sample shows the requested class, p(k | x) = softmax(W h(x) + b). Its last layer
before the classes, h(x) ∈ R^d, replaces Inception's features in a Fréchet distance. That number isn't
an FID then, and it can be compared only with numbers by the same classifier.
"""

from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from kdm.data import as_float
from kdm.evaluate.classifier_name import COARSEST, require_square
from kdm.metrics.judgements import Judgement
from kdm.metrics.sample_sets import SampleSet
from kdm.networks.image_shapes import Images, Maps
from kdm.shapes import Latents, Outputs

_CHANNELS_A_PIXEL = 2  # of the first level, for each pixel of a side
_MAX_CHANNELS = (64, 256)  # of the first level, of any
_DROPOUT = 0.3  # of features in training
_NUM_GROUPS = 8  # of the norms


class Classifier(nn.Module):
    """Two convolutions a level, levels down to 4 pixels a side, the mean over pixels, one layer.

    Its size follows from the pictures': 8×8 has levels of 16 and 32 channels, 32×32 of 64, 128, 256
    and 256; as many features as the last level has channels.
    """

    def __init__(self, shape: tuple[int, ...], num_classes: int) -> None:
        """For pictures of `shape`, (C, H, H)."""
        super().__init__()
        require_square(shape)
        here, self.levels = shape[0], nn.ModuleList()
        for channels in _channels(shape[1]):
            self.levels.append(_level(here, channels))
            here = channels
        self.num_features = here
        self.classes = nn.Linear(here, num_classes)

    def features(self, x: Images) -> Latents:
        """[n, C, H, H] of -1 … 1 to [n, num_features]."""
        maps: Maps = x
        for number, level in enumerate(self.levels):
            maps = level(F.avg_pool2d(maps, 2) if number else maps)
        return maps.mean((2, 3))

    def forward(self, x: Images) -> Outputs:
        """Logits, [n, classes]."""
        return self.logits(self.features(x))

    def logits(self, features: Latents) -> Outputs:
        """[n, num_features] to [n, classes]."""
        dropped = F.dropout(features, _DROPOUT, self.training)
        return self.classes(dropped)  # type: ignore[no-any-return]

    @torch.no_grad()
    def judge(self, samples: NDArray[Any] | SampleSet, *, batch_size: int = 1_000) -> Judgement:
        """Features and probabilities of samples [n, C, H, H]: numbers of -1 … 1, or bytes."""
        parts = [
            self._judged(torch.from_numpy(samples[first : first + batch_size]))
            for first in range(0, len(samples), batch_size)
        ]
        features, logits = (torch.cat(each).double() for each in zip(*parts, strict=True))
        return Judgement(features.numpy(), logits.softmax(1).numpy())

    def _judged(self, samples: torch.Tensor) -> tuple[Latents, Outputs]:
        """Features [n, d] and logits [n, classes] of one batch, on the CPU."""
        features = self.features(as_float(samples.to(self.classes.weight.device)))
        return features.cpu(), self.logits(features).cpu()


def _channels(side: int) -> list[int]:
    """Channels of each level, finest first: 2 a pixel of the side, doubled a level, within bounds."""
    first, highest = _MAX_CHANNELS
    start = max(_NUM_GROUPS, min(_CHANNELS_A_PIXEL * side, first))
    num_levels = (side // COARSEST).bit_length()
    return [min(start << level, highest) for level in range(num_levels)]


def _level(num_in: int, num_out: int) -> nn.Sequential:
    """[n, num_in, h, w] to [n, num_out, h, w]: two 3×3 convolutions, each with a group norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(num_in, num_out, 3, padding=1, bias=False),
        nn.GroupNorm(_NUM_GROUPS, num_out),
        nn.ReLU(),
        nn.Conv2d(num_out, num_out, 3, padding=1, bias=False),
        nn.GroupNorm(_NUM_GROUPS, num_out),
        nn.ReLU(),
    )
