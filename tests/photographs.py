"""Small real pictures: pieces of the two photographs that come with scikit-learn."""

import numpy as np
from sklearn.datasets import load_sample_images

SIDE = 32


def photographs(count: int) -> np.ndarray:
    """uint8 [count, 3, 32, 32], each from another place."""
    pieces = [
        # Every third pixel, so that there is as much in a piece as in a picture of that size.
        image[top : top + 3 * SIDE : 3, left : left + 3 * SIDE : 3]
        for top in range(0, 427 - 3 * SIDE, 80)
        for left in range(0, 640 - 3 * SIDE, 110)
        for image in load_sample_images().images
    ]
    assert count <= len(pieces) == 50
    return np.stack(pieces[:count]).transpose(0, 3, 1, 2)
