"""Transforms by which no option of a filter was chosen: what a policy finds beyond its own list.

They take and give pictures as those of transforms.py do.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from pairgen.filters.pictures import Pictures
from pairgen.planted.images import each_image, reopened
from pairgen.planted.transforms import Stream, Transform, after, brightness, cropped


def _gamma(exponent: float) -> Transform:
    """v to the power of the exponent, of pixels v from 0 to 1."""

    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        return 2 * ((pictures + 1) / 2) ** np.float32(exponent) - 1

    return change


def _hue(share: float) -> Transform:
    """Hues turned by this share of the circle; a grey picture has none."""

    def turned(image: Image.Image) -> Image.Image:
        hue, saturation, value = image.convert("HSV").split()
        hue = hue.point([round(level + 256 * share) % 256 for level in range(256)])
        return Image.merge("HSV", (hue, saturation, value)).convert("RGB")

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return each_image(pictures, turned) if pictures.shape[1] == 3 else pictures

    return change


def _saturation(factor: float) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return each_image(pictures, lambda image: ImageEnhance.Color(image).enhance(factor))

    return change


def _exchanged(pictures: Pictures, stream: Stream) -> Pictures:
    """Red and blue."""
    return pictures[:, ::-1]


def _negative(pictures: Pictures, stream: Stream) -> Pictures:
    return -pictures


def _levels(num: int) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        step = 2 / (num - 1)
        return np.asarray(np.rint((pictures + 1) / step) * step - 1)

    return change


def _upside_down(pictures: Pictures, stream: Stream) -> Pictures:
    return pictures[:, :, ::-1]


def _quarter_turns(num: int) -> Transform:
    """Pictures must be square."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return np.rot90(pictures, num, axes=(2, 3))

    return change


def _sheared(degrees: float) -> Transform:
    """Rows pushed sideways, the middle one stays; what comes into view is the mirrored edge."""

    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        rows, columns = _places(pictures)
        columns = columns + np.tan(np.deg2rad(degrees)) * (rows - (pictures.shape[2] - 1) / 2)
        return np.stack([_taken_at(each, rows, columns) for each in pictures])

    return change


def _elastic(share: float) -> Transform:
    """Every pixel pushed by at most this share of the side, neighbours alike."""

    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        from scipy import ndimage

        side = pictures.shape[-1]
        rows, columns = _places(pictures)
        changed = []
        for each in pictures:
            push = stream.uniform(-1, 1, (2, *each.shape[1:]))
            push = ndimage.gaussian_filter(push, (0, side / 8, side / 8))
            push *= share * side / np.abs(push).max()
            changed.append(_taken_at(each, rows + push[0], columns + push[1]))
        return np.stack(changed)

    return change


def _shifted_mirrored(share: float) -> Transform:
    """Along both sides, either way; what comes into view is the mirrored edge."""

    def change(pictures: Pictures, stream: Stream) -> NDArray[np.floating]:
        far = round(share * pictures.shape[-1])
        rows, columns = _places(pictures)
        ways = stream.choice([-far, far], (len(pictures), 2))
        return np.stack(
            [
                _taken_at(each, rows + down, columns + right)
                for each, (down, right) in zip(pictures, ways, strict=True)
            ]
        )

    return change


def _salt_and_pepper(share: float) -> Transform:
    """This share of the pixels black or white."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        hit = stream.uniform(size=pictures[:, :1].shape) < share
        return np.where(hit, stream.choice([-1, 1], hit.shape), pictures)

    return change


def _webp(quality: int) -> Transform:
    def change(pictures: Pictures, stream: Stream) -> Pictures:
        return each_image(pictures, lambda image: reopened(image, "WebP", quality))

    return change


def _sharpened(pictures: Pictures, stream: Stream) -> Pictures:
    return each_image(pictures, lambda image: image.filter(ImageFilter.SHARPEN))


def _resized(share: float) -> Transform:
    """Made smaller, then as large as before."""

    def change(pictures: Pictures, stream: Stream) -> Pictures:
        h, w = pictures.shape[2:]
        small = (round(share * w), round(share * h))

        def there_and_back(image: Image.Image) -> Image.Image:
            reduced = image.resize(small, Image.Resampling.BICUBIC)
            return reduced.resize((w, h), Image.Resampling.BICUBIC)

        return each_image(pictures, there_and_back)

    return change


MORE_TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "gamma 0.8": _gamma(0.8),
        "gamma 1.3": _gamma(1.3),
        "hue 1/10": _hue(1 / 10),
        "saturation 0.5": _saturation(0.5),
        "saturation 1.5": _saturation(1.5),
        "red and blue exchanged": _exchanged,
        "negative": _negative,
        "16 levels": _levels(16),
        "upside down": _upside_down,
        "quarter turn": _quarter_turns(1),
        "half turn": _quarter_turns(2),
        "shear 5°": _sheared(5),
        "elastic 1/16": _elastic(1 / 16),
        "shift 3/32, mirrored edge": _shifted_mirrored(3 / 32),
        "crop 13/16, brightness 1.15": after(cropped(13 / 16), brightness(1.15)),
        "salt and pepper 1%": _salt_and_pepper(0.01),
        "WebP 50": _webp(50),
        "sharpened": _sharpened,
        "half size": _resized(1 / 2),
    }
)
# They leave grey pictures as they are, whose copies any filter would find.
OF_COLOURS = frozenset({"hue 1/10", "saturation 0.5", "saturation 1.5", "red and blue exchanged"})


def _places(pictures: Pictures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column of every pixel, both [h, w]."""
    found = np.indices(pictures.shape[2:], np.float64)
    return found[0], found[1]


def _taken_at(
    picture: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.floating]:
    """The picture [c, h, w] at places [h, w] between its pixels, beyond its edge mirrored."""
    from scipy import ndimage

    channels = [
        ndimage.map_coordinates(each, [rows, columns], order=1, mode="reflect") for each in picture
    ]
    return np.stack(channels)
