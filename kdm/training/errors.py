"""Ways in which training ends before its last step."""

from storage.errors import StoreError


class Interrupted(Exception):
    """The run was asked to stop and did so after a checkpoint; the same command goes on from it."""


class NonFiniteError(StoreError):
    """A loss or a weight is NaN or infinite."""


class OutOfMemoryError(StoreError):
    """A step of training does not fit into the device's memory."""
