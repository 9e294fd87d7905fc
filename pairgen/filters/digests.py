"""The digests by which scores of a filter are found again.

A score depends on the filter with its version and options, and on the real samples that it was fitted on.
Both are in `score_digest`, under which the scores are stored; a reference is known by its digest alone,
from which the samples can't be recovered.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter
from storage.digest import digest_of
from storage.plugins import describe
from storage.records import content_digest


def reference_digest(reference: NDArray[Any]) -> str:
    """The digest of a reference's samples in their order; the samples cannot be had from it."""
    return content_digest({"index": np.arange(len(reference)), "x_0": np.asarray(reference)})


def score_digest(chosen: Filter, reference: str) -> str:
    """What scores depend on: the filter with its version and options, the reference's digest."""
    return digest_of({"filter": describe(chosen), "reference": reference})
