"""What is raised when Prefect's API is lost. The data never depend on it."""

import httpx
from prefect.exceptions import PrefectException

from storage.redaction import redacted

# Raised by Prefect's own calls: no connection, a refused request, an embedded server that did not
# start (RuntimeError, OSError), no API configured (ValueError). A stage's errors never come this way;
# they are states.
LOST = (httpx.HTTPError, PrefectException, RuntimeError, OSError, ValueError)


def why_lost(error: BaseException) -> str:
    """One sentence for the user, the reason last."""
    reason = redacted(f"{type(error).__name__}: {error}".splitlines()[0])
    return f"Prefect's API is lost; continuing without it; the data don't depend on it ({reason[:200]})"
