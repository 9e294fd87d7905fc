"""Filters fail closed: any fault of a filter ends the stage, and no pair passes without a decision.

A filter is code of others. It sees arrays that it can't write to, everything that it raises is reported under
its name, and everything that it returns is checked for type, shape and finite numbers before it is used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter
from storage.errors import StoreError
from storage.records import PairBatch


class FilterError(StoreError):
    """A filter raised an error, or returned something that can't be scores or decisions."""


@contextmanager
def named(chosen: Filter) -> Iterator[None]:
    """Turn anything raised in the block into a FilterError with the filter's name."""
    # A filter is foreign code and may raise anything; nothing is swallowed, only named.
    try:
        yield
    except StoreError:  # of the shards that it reads, or of this file: it says whose fault it is
        raise
    except Exception as error:
        raise fault(chosen, f"failed ({type(error).__name__}: {error})") from error


def fault(chosen: Filter, what: str) -> FilterError:
    """The error to raise: the filter's name, what it did, and what to do about it."""
    return FilterError(
        f"filter '{chosen.plugin}' {what}; nothing passes unjudged: fix the filter, or take it "
        "out of the recipe"
    )


def require_reference(chosen: Filter, reference: NDArray[Any]) -> None:
    """Raise a FilterError unless a filter can be fitted on these real samples [m, *shape]."""
    if len(reference) == 0 or not np.isfinite(reference).all():
        raise FilterError(
            f"filter '{chosen.plugin}' has {len(reference):,} real samples to compare pairs with, or "
            "values among them that aren't finite; give it a data set of at least one sample and "
            "finite values only"
        )
    require_kind(chosen, reference.shape[1:], "real samples")


def require_kind(chosen: Filter, shape: tuple[int, ...], whose: str) -> None:
    """Raise a FilterError if a filter of pictures is given samples of another shape."""
    if chosen.needs_pictures and not (len(shape) == 3 and shape[0] in (1, 3)):
        raise FilterError(
            f"filter '{chosen.plugin}' looks at pictures [1 or 3, height, width], but {whose} are "
            f"{list(shape)}; take it out of the recipe"
        )


def require_numbers(chosen: Filter, pairs: PairBatch) -> None:
    """Raise a FilterError if a pair isn't all finite: ranks and hashes would give it a score all the same."""
    for array in (pairs.x_T, pairs.x_0):
        rows = np.isfinite(array.reshape(len(array), -1)).all(axis=1) if array.size else array
        if not rows.all():
            index = int(pairs.index[np.flatnonzero(~rows)[0]])
            raise FilterError(
                f"filter '{chosen.plugin}' can't judge pair {index}, which holds values that aren't "
                "finite; leave it out of the set"
            )


def require_scores(chosen: Filter, scores: Any, num_pairs: int) -> None:
    """Raise a FilterError unless these are finite floats [n], one per pair."""
    require_array(chosen, "scores", scores, "f", num_pairs)
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise fault(chosen, f"gave row {row} the score {scores[row]}")


def require_array(chosen: Filter, name: str, array: Any, kind: str, num_pairs: int) -> None:
    """Raise a FilterError unless it is an array [n] of numpy's type `kind`: f float, b bool, U text."""
    if not isinstance(array, np.ndarray):
        raise fault(chosen, f"returned {name} as {type(array).__name__}, not an array")
    if array.dtype.kind != kind or array.shape != (num_pairs,):
        raise fault(
            chosen, f"returned {name} {array.dtype} {list(array.shape)} for {num_pairs} pairs"
        )


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A view that can't be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
