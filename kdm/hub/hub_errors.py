"""What can go wrong on the way to the Hub and back, each as one sentence without a secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from storage.errors import StoreError, UnreachableError
from storage.redaction import redacted

_AGAIN = "run the same command again: what has arrived is not sent again"
_MEANT = {
    401: "it doesn't accept the token; make one at its page 'Access Tokens', and put it into HF_TOKEN",
    403: "the token may not do this, or the account's space is used up",
    412: f"somebody else changed it meanwhile; {_AGAIN}",
    413: "it takes no file of this size",
    429: f"it was asked too often; wait some minutes, then {_AGAIN}",
}


@contextmanager
def hub_errors(where: str) -> Iterator[None]:
    """Errors of huggingface_hub as a `StoreError`, or as an `UnreachableError` if trying again may help.

    `where` is the repository, as the user would look for it.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise UnreachableError(
            f"{where}: HF_HUB_OFFLINE is set, so nothing is asked; unset it"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise StoreError(
            f"{where} has no such revision; look at its page for those it has"
        ) from error
    except errors.GatedRepoError as error:
        raise StoreError(f"{where} asks you to accept its terms first, on its page") from error
    except errors.RepositoryNotFoundError as error:
        raise StoreError(
            f"{where} isn't there, or is private and HF_TOKEN may not read it; check both"
        ) from error
    except errors.HfHubHTTPError as error:
        raise StoreError(f"{where}: {_answered(error)}") from error
    except httpx2.HTTPError as error:
        raise _unreachable(where, error) from error
    except RuntimeError as error:  # an upload's, around what happened
        raise _of_cause(where, error) from error


def _of_cause(where: str, error: RuntimeError) -> Exception:
    import httpx2
    from huggingface_hub import errors

    if isinstance(error.__cause__, errors.HfHubHTTPError):
        return StoreError(f"{where}: {_answered(error.__cause__)}")
    if isinstance(error.__cause__, httpx2.HTTPError):
        return _unreachable(where, error.__cause__)
    return error


def _unreachable(where: str, error: Exception) -> UnreachableError:
    words = redacted(str(error)) or type(error).__name__
    return UnreachableError(f"{where}: the connection failed ({words[:200]}); {_AGAIN}")


def _answered(error: Any) -> str:
    """What the server said, and what it means."""
    status = error.response.status_code
    said = redacted(" ".join(str(error.server_message or "").split()))[:300]
    means = _MEANT.get(status, f"{_AGAIN}" if status >= 500 else "it refuses this")
    return f"the Hub answers {status}{f' ({said})' if said else ''}: {means}"
