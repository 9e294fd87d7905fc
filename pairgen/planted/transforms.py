"""What may be done to a real picture so that it's still a copy: the transforms that filters are tried with.

Each takes pictures [n, c, h, w] from -1 to 1 and a stream of random numbers, and gives pictures of the same
shape (copies.py rounds them to bytes, as a store keeps them). Lengths are shares of the side: a shift of 1/16
is 2 of 32 pixels. Units of noise, brightness and contrast are those of pixels from 0 to 1.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairgen.filters.pictures import Pictures, as_bytes, as_numbers, mirrored
from pairgen.planted.images import each_image, images_of, pictures_of, reopened

Stream = np.random.RandomState
Transform = Callable[[Pictures, Stream], NDArray[np.floating]]
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
_COVER = 0.0  # the grey of a patch


def _as_they_are(pictures: Pictures, stream: Stream) -> Pictures:
    return pictures


def _mirrored(pictures: Pictures, stream: Stream) -> Pictures:
    return mirrored(pictures)


def _noise(sigma: float) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        return pictures + 2 * sigma * stream.standard_normal(pictures.shape)

    return change


def _jpeg(quality: int) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return each_image(pictures, lambda image: reopened(image, "JPEG", quality))

    return change


def brightness(factor: float) -> Transform:
    """Every pixel times this factor, where black is 0."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return np.float32(factor) * (pictures + 1) - 1

    return change


def _contrast(factor: float) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
        return np.asarray(mean + factor * (pictures - mean))

    return change


def _grey(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
    if pictures.shape[1] == 1:
        return pictures
    grey = np.einsum("c,nchw->nhw", _LUMINANCE, pictures)
    return np.repeat(grey[:, None], 3, axis=1)


def _blur(sigma_share: float) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        from scipy import ndimage

        sigma = sigma_share * pictures.shape[-1]
        return np.asarray(
            ndimage.gaussian_filter(pictures, (0, 0, sigma, sigma), mode="nearest"), np.float32
        )

    return change


def _covered(share: float) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> Pictures:
        changed = pictures.copy()
        height, width = (round(share * side) for side in pictures.shape[2:])
        for each in changed:
            row = stream.randint(0, each.shape[1] - height + 1)
            column = stream.randint(0, each.shape[2] - width + 1)
            each[:, row : row + height, column : column + width] = _COVER
        return changed

    return change


def _blended(share: float) -> Transform:
    """With another of the real pictures."""

    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        return share * pictures + (1 - share) * np.roll(pictures, 1, axis=0)

    return change


def cropped(share: float) -> Transform:
    """A window of this share of the sides, anywhere, enlarged."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        h, w = pictures.shape[2:]
        height, width = round(share * h), round(share * w)

        def enlarged(image: Image.Image) -> Image.Image:
            row, column = stream.randint(0, h - height + 1), stream.randint(0, w - width + 1)
            window = (column, row, column + width, row + height)
            return image.resize((w, h), Image.Resampling.BICUBIC, box=window)

        return each_image(pictures, enlarged)

    return change


def _zoomed_out(share: float) -> Transform:
    """A smaller picture, whose edge is repeated around it."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        h, w = pictures.shape[2:]
        height, width = round(share * h), round(share * w)
        small = [
            np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
            for image in images_of(pictures)
        ]
        up, left = (h - height) // 2, (w - width) // 2
        around = ((0, 0), (0, 0), (up, h - height - up), (left, w - width - left))
        return np.pad(pictures_of(small, pictures.shape[1]), around, mode="edge")

    return change


def _shifted(share: float) -> Transform:
    """In both directions, either way; the edge is repeated."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        far = round(share * pictures.shape[-1])
        around = ((0, 0), (0, 0), (far, far), (far, far))
        wide = np.pad(pictures, around, mode="edge")
        h, w = pictures.shape[2:]
        starts = stream.choice([0, 2 * far], (len(pictures), 2))
        return np.stack(
            [
                each[:, row : row + h, column : column + w]
                for each, (row, column) in zip(wide, starts, strict=True)
            ]
        )

    return change


def _turned(degrees: float) -> Transform:
    """Either way; what comes into view is the mirrored edge."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        from scipy import ndimage

        angles = stream.choice([-degrees, degrees], len(pictures))
        return np.stack(
            [
                ndimage.rotate(each, angle, axes=(2, 1), reshape=False, order=1, mode="reflect")
                for each, angle in zip(pictures, angles, strict=True)
            ]
        )

    return change


def after(*transforms: Transform) -> Transform:
    """One transform after another."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        for each in transforms:
            pictures = as_numbers(as_bytes(np.asarray(each(pictures, stream), np.float32)))
        return pictures

    return change


TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "exact": _as_they_are,
        "mirrored": _mirrored,
        "noise 0.02": _noise(0.02),
        "noise 0.05": _noise(0.05),
        "noise 0.10": _noise(0.10),
        "JPEG 75": _jpeg(75),
        "JPEG 50": _jpeg(50),
        "JPEG 25": _jpeg(25),
        "brightness 1.15": brightness(1.15),
        "contrast 0.8": _contrast(0.8),
        "grey": _grey,
        "blur 1/32": _blur(1 / 32),
        "covered 1/4": _covered(1 / 4),
        "blend 0.8": _blended(0.8),
        "crop 7/8": cropped(7 / 8),
        "crop 3/4": cropped(3 / 4),
        "zoom-out 7/8": _zoomed_out(7 / 8),
        "shift 1/16": _shifted(1 / 16),
        "shift 1/8": _shifted(1 / 8),
        "rotation 5°": _turned(5),
        "rotation 10°": _turned(10),
        "mirrored, crop 7/8, JPEG 50": after(_mirrored, cropped(7 / 8), _jpeg(50)),
    }
)
