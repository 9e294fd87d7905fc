"""What is raised when Prefect's API is lost. The data never depend on it."""

import httpx
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.exceptions import PrefectException

from storage.redaction import redacted

# Raised by Prefect's own calls: no connection, a refused request, an embedded server that did not
# start (RuntimeError, OSError), no API configured (ValueError), no answer to the question for a place
# under a tag's limit, which is asked before a task's work begins and has an error of its own kind. A
# stage's errors never come this way; they are states.
LOST = (
    httpx.HTTPError,
    PrefectException,
    ConcurrencySlotAcquisitionError,
    RuntimeError,
    OSError,
    ValueError,
)


def why_lost(error: BaseException) -> str:
    """One sentence for the user, the reason last."""
    reason = redacted(f"{type(error).__name__}: {error}".splitlines()[0])
    return f"Prefect's API is lost; continuing without it; the data don't depend on it ({reason[:200]})"
