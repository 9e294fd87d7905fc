"""The ways in which training ends before its last step; each leaves the last checkpoint as it is."""

from storage.errors import StoreError


class Interrupted(Exception):
    """After a request to stop, the run wrote a checkpoint; the same command continues from it."""


class NonFiniteError(StoreError):
    """A loss or a weight is NaN or infinite."""


class OutOfMemoryError(StoreError):
    """A step of training doesn't fit into the device's memory."""
