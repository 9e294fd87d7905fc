"""Copies of real pictures to plant, by the names of transforms."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from pairgen.filters.pictures import Pictures, as_bytes, as_numbers
from pairgen.planted.more_transforms import MORE_TRANSFORMS, OF_COLOURS
from pairgen.planted.transforms import TRANSFORMS, Transform

# `more` are those by which no option of a filter was chosen.
LISTS: Mapping[str, Mapping[str, Transform]] = MappingProxyType(
    {
        "usual": TRANSFORMS,
        "more": MORE_TRANSFORMS,
        "all": MappingProxyType({**TRANSFORMS, **MORE_TRANSFORMS}),
    }
)


def transforms_in(which: str, *, num_channels: int) -> list[str]:
    """The names of a list's transforms; of `more` those that change pictures of so many channels."""
    left_out = OF_COLOURS if num_channels == 1 else frozenset()
    return [name for name in LISTS[which] if name not in left_out]


def planted(name: str, pictures: Pictures, seed: int) -> Pictures:
    """Copies of pictures [n, c, h, w] under the transform of that name, of a seed; float32, -1 … 1."""
    changed = LISTS["all"][name](pictures, np.random.RandomState(seed))
    return as_numbers(as_bytes(np.asarray(changed, np.float32)))
