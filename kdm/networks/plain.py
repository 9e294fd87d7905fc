"""Whether networks compute as PyTorch does, also where kernels of our own are faster.

Two things need it: FLOPs are counted by what PyTorch would do, and only PyTorch's layers have derivatives in
forward mode (forward_mode.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

_open: list[bool] = []  # an entry for each `plain_kernels` that is open


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Use none of our own kernels in the block."""
    _open.append(True)
    try:
        yield
    finally:
        _open.pop()


def uses_own_kernels() -> bool:
    """Whether kernels of our own may be chosen."""
    return not _open
