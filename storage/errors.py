"""What can go wrong with pairs at rest; each message says what, the value, what is right and what to do."""


class StoreError(RuntimeError):
    """A store can't do what the caller wants; the message is for the user."""


class DamageError(StoreError):
    """Bytes at rest are not the bytes that were recorded."""


class MismatchError(StoreError):
    """Two things that must agree (spec, environment, digest) do not."""


class UnfinishedPurgeError(StoreError):
    """A set that is being purged can't be read or written until the purge is finished."""


class InvalidPairsError(StoreError):
    """A teacher or plugin returned pairs that the schema forbids."""


class UnreachableError(StoreError, OSError):
    """A file system did not answer as it should; the same request may pass later."""


class NoExclusiveCreationError(StoreError):
    """The file system can't create a finished file only if its name is free."""
