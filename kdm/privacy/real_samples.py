"""Which real samples an audit compares with: drawn by a seed, so equal questions have equal answers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

LEAST = 20  # samples that a public number stands for, at least
MOST_MEMBERS = 5_000  # kernels of a membership test are square


@dataclass(frozen=True)
class RealSamples:
    """The training set, and what was drawn from it and from the held-out samples."""

    training: NDArray[Any]  # [m, *shape]
    control: NDArray[Any]  # half of the held-out samples, in the place of generated ones
    beside: NDArray[Any]  # of the other half
    beside_training: NDArray[Any]  # as many training samples
    members: NDArray[Any]  # training samples
    others: NDArray[Any]  # as many held-out samples
    halves: tuple[NDArray[Any], NDArray[Any]]  # of the held-out samples, for the test's control

    @classmethod
    def drawn(cls, training: NDArray[Any], heldout: NDArray[Any], *, count: int, seed: int) -> Self:
        """At most `count` samples in the place of generated ones.

        A ValueError if shapes differ, the training set is empty, or too few samples are held out.
        """
        _require(training, heldout)
        stream = np.random.RandomState(seed)
        order, of_training = stream.permutation(len(heldout)), stream.permutation(len(training))
        first, second = np.array_split(order, 2)
        num_beside = min(len(second), len(training))
        num_members = min(len(heldout), len(training), MOST_MEMBERS)
        num_half = min(len(second), MOST_MEMBERS)
        return cls(
            training=training,
            control=heldout[first[:count]],
            beside=heldout[second[:num_beside]],
            beside_training=training[of_training[:num_beside]],
            members=training[of_training[:num_members]],
            others=heldout[order[:num_members]],
            halves=(heldout[first[:num_half]], heldout[second[:num_half]]),
        )


def _require(training: NDArray[Any], heldout: NDArray[Any]) -> None:
    if not len(training):
        raise ValueError("the training set holds no sample; name with --reference one that does")
    if training.shape[1:] != heldout.shape[1:]:
        raise ValueError(
            f"training samples have the shape {list(training.shape[1:])}, held-out ones "
            f"{list(heldout.shape[1:])}; they must be alike"
        )
    if len(training) < LEAST or len(heldout) < 2 * LEAST:
        raise ValueError(
            f"there are {len(training):,} training and {len(heldout):,} held-out real samples; an audit "
            f"needs at least {LEAST} and {2 * LEAST}, since no number stands for fewer than {LEAST} samples"
        )
