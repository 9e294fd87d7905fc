"""Real samples judged against the others of their reference: they calibrate where none are held out.

    score of r_i: that of the filter fitted on the reference without r_i

A filter never sees the sample that it judges, so neither the sample nor its mirror image finds itself. To fit
thousands of filters would take hours, so samples are left out in blocks of at most a hundredth of the
reference, in random order: one at a time up to 199 samples, 500 of 50,000 at a time.

It's the weaker way: pictures of one set are often alike (one scene twice, frames of one film), which lowers
the threshold, and copies pass. Samples that are there twice, byte for byte or mirrored, say nothing about
honest ones and aren't drawn.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter
from pairgen.filters.judge import Judge, fit_judge

MOST = 5_000  # samples that are judged
VERSION = 1  # of how they are drawn and judged
_BLOCKS = 100  # of a reference, or more
_SEED = 0
Rows = NDArray[np.int64]


def drawn_rows(reference: NDArray[Any]) -> Rows:
    """The rows of the real samples [m, *shape] that are judged, at most MOST, in random order.

    They depend on the reference alone. A ValueError if it has no two samples that differ.
    """
    names = _names(reference)
    _, first, count = np.unique(names, return_index=True, return_counts=True)
    single = np.sort(first[count == 1])
    if len(reference) < 2 or not len(single):
        raise ValueError(
            f"{len(reference):,} real samples, of which {len(single):,} are there once, can't calibrate a "
            "filter: give more that differ, or give the filter a threshold"
        )
    return np.asarray(np.random.RandomState(_SEED).permutation(single)[:MOST], np.int64)


def left_out_scores(chosen: Filter, reference: NDArray[Any], rows: Rows) -> NDArray[np.float64]:
    """The scores [n] of these rows of a reference [m, *shape], each judged without itself.

    A filter that needs no reference judges them as a set of their own.
    """
    if not chosen.needs_reference:
        return fit_judge(chosen).heldout_scores(reference[rows])
    whole = fit_judge(chosen, reference) if chosen.can_leave_out else None
    size = max(1, len(reference) // _BLOCKS)
    scores = [np.empty(0)]
    for first in range(0, len(rows), size):
        block = rows[first : first + size]
        scores.append(
            _fitted_without(chosen, reference, block, whole).heldout_scores(reference[block])
        )
    return np.concatenate(scores)


def _fitted_without(
    chosen: Filter, reference: NDArray[Any], rows: Rows, whole: Judge | None
) -> Judge:
    if whole is not None:
        return whole.without(rows)
    return fit_judge(chosen, np.delete(reference, rows, axis=0))


def _names(reference: NDArray[Any]) -> NDArray[np.bytes_]:
    """A digest of each sample, of a picture the same as of its mirror image."""

    def name(sample: NDArray[Any]) -> bytes:
        return blake2b(sample.tobytes(), digest_size=16).digest()

    if reference.ndim == 4:
        named = [min(name(each), name(each[..., ::-1])) for each in reference]
    else:
        named = [name(each) for each in reference]
    return np.asarray([each.hex() for each in named], "S32")
