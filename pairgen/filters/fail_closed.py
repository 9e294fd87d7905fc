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


class FilterError(StoreError):
    """A filter raised an error, or returned something that can't be scores or decisions."""


@contextmanager
def named(chosen: Filter) -> Iterator[None]:
    """Turn anything raised in the block into a FilterError with the filter's name."""
    # A filter is foreign code and may raise anything; nothing is swallowed, only named.
    try:
        yield
    except Exception as error:
        raise fault(chosen, f"failed ({type(error).__name__}: {error})") from error


def fault(chosen: Filter, what: str) -> FilterError:
    """The error to raise: the filter's name, what it did, and what to do about it."""
    return FilterError(
        f"filter '{chosen.plugin}' {what}; nothing passes unjudged: fix the filter, or take it "
        "out of the recipe"
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
