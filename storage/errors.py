"""What can go wrong with pairs at rest; each message says what, the value, what is right and what to do."""


class StoreError(RuntimeError):
    """A store cannot do what was asked; the message is meant for the user."""


class DamageError(StoreError):
    """Bytes at rest are not the bytes that were recorded."""


class MismatchError(StoreError):
    """Two things that must agree (spec, environment, digest) do not."""


class InvalidPairsError(StoreError):
    """A teacher or plugin returned pairs that the schema forbids."""


class UnreachableError(StoreError, OSError):
    """A file system did not answer as it should; the same request may pass later."""


class NoExclusiveCreationError(StoreError):
    """The file system cannot create a finished file under a name only where that name is free."""
