"""Whether a teacher carries mirrored noise to mirrored samples, found by asking it.

    asymmetry = ‖Φ(M x_T) − M Φ(x_T)‖ / ‖Φ(x_T') − Φ(x_T)‖,   M the mirror

Both norms are root mean squares over n noises; x_T' is the noise of another sample of the same class. 0 is a
symmetric teacher, 1 one whose mirrored sample has no more to do with the sample than any other has. A student
may learn from mirrored pairs (kdm/training/mirrored.py) as far as this is small beside its own error.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pairgen.asymmetry import Symmetry
from pairgen.field import Teacher
from pairgen.sampling import sampled_batches
from pairgen.spec import PairSpec
from pairgen.teachers.guided import sampled_field
from storage.noise import derive_labels, derive_noise
from storage.records import PairBatch

_SPLIT = "probe"  # a separate stream: no pair is in this split


def symmetry(spec: PairSpec, teacher: Teacher, num_pairs: int) -> Symmetry:
    """Ask a set's teacher for `num_pairs` noises and their mirror images, with the set's sampler.

    Raises a ValueError for samples that aren't pictures (C, H, W), if no two of the noises are of one class,
    and if the teacher's samples can't be compared.
    """
    shape, labels = spec.pairs.shape, spec.pairs.label
    if len(shape) != 3:
        raise ValueError(
            f"samples have shape {shape}; only pictures, (C, H, W), have mirror images"
        )
    index = np.arange(num_pairs, dtype=np.int64)
    x_T = derive_noise(spec.pairs.noise, _SPLIT, index, shape)
    label = None
    if labels is not None:
        label = derive_labels(labels, seed=spec.pairs.noise.seed, split=_SPLIT, index=index)
    pairs = _of_one_class(label, num_pairs)
    if not len(pairs):
        raise ValueError(
            f"no two of {num_pairs} noises are of one class, so nothing says how far samples of a class lie "
            "apart; ask for more noises (-k)"
        )
    x_0 = _samples(spec, teacher, x_T, label)
    mirrored = _samples(spec, teacher, np.ascontiguousarray(x_T[..., ::-1]), label)
    error, unrelated = _rms(mirrored - x_0[..., ::-1]), _rms(x_0[pairs[:, 0]] - x_0[pairs[:, 1]])
    if not (math.isfinite(error) and math.isfinite(unrelated) and unrelated):
        raise ValueError(
            f"the teacher's samples can't be compared: they differ by {unrelated:.3g} within a class, "
            f"mirrored ones by {error:.3g}; look at its weights and at the set's sampler"
        )
    return Symmetry(num_pairs, error, unrelated)


def _samples(
    spec: PairSpec, teacher: Teacher, x_T: NDArray[np.float32], label: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """x_0 (n, c, h, w) as the sampler gives it, unrounded."""
    given = PairBatch(np.arange(len(x_T)), x_T, x_T, label)
    (batch,) = sampled_batches(spec, sampled_field(teacher, spec.guidance), [given])
    return batch.pairs.x_0.astype(np.float64)


def _of_one_class(label: NDArray[np.int64] | None, count: int) -> NDArray[np.int64]:
    """Neighbours (m, 2) in the order of classes, of one class each; without labels all neighbours."""
    given = np.zeros(count, np.int64) if label is None else label
    order = np.argsort(given, kind="stable")
    pairs = np.stack([order[:-1], order[1:]], 1)
    of_one: NDArray[np.int64] = pairs[given[pairs[:, 0]] == given[pairs[:, 1]]]
    return of_one


def _rms(x: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
