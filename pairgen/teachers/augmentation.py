"""Augmentation that a network sees as labels (Karras et al. 2022, App. F.2 and Table 6).

Images are flipped, scaled, turned, stretched and moved at random, and the network gets nine labels
that say by how much. Called without labels, as by samplers, it draws images as they were. Two
things differ from the published version:

- Pixels. There, a wavelet of six taps at twice the resolution, and an image continued by its reflection
  without repeating the edge pixels. Here, each pixel is the mean of four bicubic look-ups a quarter pixel
  around it, in an image reflected at its edge.
- The label of a stretch. There it turns with the axis, so that a stretch and a squeeze can share a label.
  Here it turns twice as fast, so that each has its own.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.image_shapes import Augmentations, Images
from kdm.randomness.draws import draws
from pairgen.teachers.augmentation_options import Augmentation

_FINER = 2  # look-ups a pixel and axis: enough for images that shrink by less than half


class _Drawn(NamedTuple):
    """What is done to each of n images; 0 if nothing is done."""

    flips: Tensor  # [n, 2], 0 or 1: mirrored, upside down
    scale: Tensor  # [n], in standard deviations, as are stretch and shift
    angle: Tensor  # [n], radians
    stretch: Tensor  # [n]
    direction: Tensor  # [n], radians: twice the angle of the stretched axis, which has no direction
    shift: Tensor  # [n, 2], right and down

    def labels(self) -> Tensor:
        """[n, 9], in the published order: flips, scale, rotation (cos - 1, sin), stretch (2), shift."""
        turned = torch.stack([self.angle.cos() - 1, self.angle.sin()], 1)
        axis = torch.stack([self.direction.cos(), self.direction.sin()], 1)
        stretched = self.stretch[:, None] * axis
        return torch.cat([self.flips, self.scale[:, None], turned, stretched, self.shift], 1)


@torch.no_grad()
def augmented(images: Images, options: Augmentation) -> tuple[Images, Augmentations]:
    """Images [n, C, H, W], each transformed in its own way, and labels [n, 9] that say how.

    Random numbers are those of `kdm.randomness.draws`, which the trainer chooses.
    """
    drawn = _draw(options, images)
    labels = drawn.labels()
    images = _flipped(_flipped(images, drawn.flips[:, 0], axis=3), drawn.flips[:, 1], axis=2)
    rows = labels[:, 2:].any(1).nonzero().flatten()
    if len(rows):
        # Places of pixels need all of float32, even if the networks compute in less.
        with torch.autocast(images.device.type, enabled=False):
            moved = _looked_up(images[rows], _places(drawn, options)[rows])
        images = images.index_copy(0, rows, moved)
    return images, labels


@torch.no_grad()
def mirrored(images: Images) -> Images:
    """Images [n, C, H, W], each mirrored with probability one half; no label says so."""
    return _flipped(images, draws().coins((len(images),), like=images), axis=3)


def _draw(o: Augmentation, images: Images) -> _Drawn:
    """How each image is transformed; any options draw all numbers, so that streams agree."""
    n, number = len(images), draws()
    flips = number.coins((n, 2), like=images).float()
    scale, stretch, *shift = number.normal((4, n), like=images, axis=1)
    angle, direction = math.pi * (2 * number.uniform((2, n), like=images, axis=1) - 1)
    is_chosen = (number.uniform((5, n), like=images, axis=1) < o.probability).float()
    upended, scaled, turned, stretched, shifted = is_chosen
    has_mirrors = torch.full_like(upended, float(o.mirrors and o.probability > 0))
    return _Drawn(
        flips=flips * torch.stack([has_mirrors, upended * o.upends], 1),
        scale=scale * scaled * (o.scale > 0),
        angle=angle * turned * o.rotation,
        stretch=stretch * stretched * (o.stretch > 0),
        direction=direction,
        shift=torch.stack(shift, 1) * shifted[:, None] * (o.shift > 0),
    )


def _places(drawn: _Drawn, o: Augmentation) -> Tensor:
    """[n, 2, 3]: from a pixel's place to where its colour was before; an image's sides are 2 long.

    Images are scaled, turned, stretched, then shifted; so this is the inverse of each in reverse order.
    """
    shrunk = torch.exp2(-o.scale * drawn.scale)[:, None, None] * _rotation(-drawn.angle)
    octaves = torch.stack([-drawn.stretch, drawn.stretch], 1) * o.stretch
    axes = _rotation(drawn.direction / 2)
    squeezed = axes @ torch.diag_embed(torch.exp2(octaves)) @ axes.mT
    linear = shrunk @ squeezed
    offset = linear @ (-2 * o.shift * drawn.shift[:, :, None])
    return torch.cat([linear, offset], 2)


def _rotation(angle: Tensor) -> Tensor:
    """[n, 2, 2], counter-clockwise by angles [n] in radians."""
    rows = [angle.cos(), -angle.sin(), angle.sin(), angle.cos()]
    return torch.stack(rows, 1).reshape(-1, 2, 2)


def _looked_up(images: Images, places: Tensor) -> Images:
    """Images [n, C, H, W] seen through `places` [n, 2, 3], at twice the resolution, then averaged."""
    n, channels, height, width = images.shape
    finer = [n, channels, _FINER * height, _FINER * width]
    grid = F.affine_grid(places, finer, align_corners=False)
    found = F.grid_sample(
        images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    )
    return F.avg_pool2d(found, _FINER)


def _flipped(images: Images, chosen: Tensor, *, axis: int) -> Images:
    """Those with chosen [n] = 1 reversed along an axis: 2 is upside down, 3 mirrored."""
    return torch.where(chosen.bool()[:, None, None, None], images.flip(axis), images)
