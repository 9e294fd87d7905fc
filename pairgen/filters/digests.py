"""The digests by which scores of a filter are found again.

A score depends on the filter with its version and options, and on the real samples that it was fitted on.
Both are in `score_digest`, under which the scores are stored; a reference is known by its digest alone,
from which the samples can't be recovered. Scores of a `SetFilter` also depend on every other pair, so
its reference is the digest of both (`set_digest`): a set that grows is scored anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter
from pairgen.filters.set_filter import SetFilter
from storage.digest import digest_of
from storage.plugins import describe
from storage.records import content_digest

_OF_A_SET = (
    "the digest of the contents of every split's shards in order, and of the real samples if the "
    "filter uses any; a set that grew or changed has another one and is scored again"
)
NO_SAMPLES: NDArray[np.float32] = np.empty(0, np.float32)  # what a filter without reference sees


def reference_digest(reference: NDArray[Any]) -> str:
    """The digest of a reference's samples in their order; the samples cannot be had from it."""
    return content_digest({"index": np.arange(len(reference)), "x_0": np.asarray(reference)})


def set_digest(contents: Mapping[str, Sequence[str]], reference: str | None) -> str:
    """What a set filter compares pairs with: the contents of each split's shards in order, and real samples.

    `reference` is the digest of the real samples, None if the filter needs none.
    """
    real = {} if reference is None else {"reference": reference}
    splits = {split: list(digests) for split, digests in contents.items()}
    return digest_of({**real, "contents": splits})


def scored_with(chosen: Filter, reference: str) -> dict[str, Any]:
    """What scores depend on, as it is stored beside them: the filter's options, the reference's digest."""
    document = {"filter": describe(chosen), "reference": reference}
    return {**document, "reference_is": _OF_A_SET} if isinstance(chosen, SetFilter) else document


def score_digest(chosen: Filter, reference: str) -> str:
    """The digest of all that scores depend on."""
    return digest_of(scored_with(chosen, reference))
