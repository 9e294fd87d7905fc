"""What a remote file system reports as an error, as a sentence without the server's own words.

Messages of servers and libraries can hold endpoints, keys and signed URLs. So a sentence names the
place, the kind of the error and the server's code for it, and the original is not chained to it.
"""

import errno
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

from storage.errors import StoreError, UnreachableError

_LOG = logging.getLogger("storage.folders")

# Roots of what fsspec's drivers raise beside OSError; looked up if they are already imported.
_ROOTS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp.client_exceptions", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
# A server that cannot keep up for a while, and answers that broke off.
_PASSING = (
    *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout"),
    *("TooManyRequests", "RequestLimitExceeded", "Throttling", "ThrottlingException"),
    *("429", "500", "502", "503", "504"),  # what a HEAD says, which has no body
    *("ServerBusy", "OperationTimedOut"),
    # Connections that broke. One that can't be opened isn't among them: that is an endpoint's end.
    *("ClientPayloadError", "ConnectionClosedError", "HTTPClientError", "ReadTimeoutError"),
)
# A connection that was reset has the name of an endpoint that isn't there, but its own number.
_BROKEN = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE}
# Beside those that each driver makes. botocore makes one alone at a 429 and at a body that breaks off; where
# one answer in five goes wrong, in a thirtieth of them so, 1e-10 of all requests fail.
_NUM_TRIES = 8
_LONGEST_WAIT = 8.0  # seconds
# Seconds after which no further try begins, so that a server that never answers is left after one.
_PATIENCE = 40.0
T = TypeVar("T")
# 'AuthenticationFailed', 'NoCredentialsError', 'ExpiredToken' and their like.
_RIGHTS = ("Credential", "Token", "Authent", "Authoriz", "401", "403")
_LINKS = (
    *("Connect", "Timeout", "HTTPClient", "Payload", "SlowDown", "Unavailable", "InternalError"),
    *("ServerBusy", "ServiceRequest", "ServiceResponse"),
)


@contextmanager
def told(done: str, url: str) -> Iterator[None]:
    """Raise what goes wrong as a `StoreError`: `url` could not be `done`; FileNotFoundError stays."""
    try:
        yield
        _LOG.debug("%s: %s", done, url)
    except FileExistsError:
        raise
    except FileNotFoundError as error:
        if reason_of(error) in _NO_BUCKET:
            raise StoreError(f"{url} could not be {done}: there is no such bucket") from None
        raise FileNotFoundError(errno.ENOENT, "no such file", url) from None
    except raised() as error:
        if reason_of(error) in _NO_BUCKET:  # Azure's, to a put
            raise StoreError(f"{url} could not be {done}: there is no such bucket") from None
        raise _sentence(error, done, url) from None


def patiently(request: Callable[[], T]) -> T:
    """The answer to a request, sent again for a while if the fault is temporary."""
    began = time.monotonic()
    for number in count(1):
        try:
            return request()
        except raised() as error:
            if _is_final(error, number, time.monotonic() - began):
                raise
        # Others must not come back together.
        time.sleep(random.uniform(0, min(2 ** (number - 1), _LONGEST_WAIT)))
    raise AssertionError("numbers don't end")


def reason_of(error: BaseException) -> str:
    """The server's code for an error ('NoSuchBucket', '503'), else the error's kind."""
    codes = (_code_of(link) for link in _chain(error))
    return next((code for code in codes if code is not None), type(error).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_final(error: BaseException, number: int, seconds: float) -> bool:
    """Whether no try follows this one; if it was not the only one, the error says how many there were."""
    is_final = not _is_passing(error) or number == _NUM_TRIES or seconds > _PATIENCE
    if is_final and number > 1:
        error.add_note(f"{number} tries in {seconds:.0f} s")
    return is_final


def _is_passing(error: BaseException) -> bool:
    """Whether the same request may be answered soon."""
    numbers = {link.errno for link in _chain(error) if isinstance(link, OSError)}
    return reason_of(error) in _PASSING or not numbers.isdisjoint(_BROKEN)


def _code_of(error: BaseException) -> str | None:
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # S3's
        return str(response.get("Error", {}).get("Code", ""))
    if str(error).startswith("Forbidden: "):  # Google's 403, as gcsfs raises it
        return "403"
    package = type(error).__module__.partition(".")[0]
    for name in {"gcsfs": ("code",), "azure": ("error_code", "status_code")}.get(package, ()):
        code = getattr(error, name, None)
        if code:
            return str(getattr(code, "value", code))
    return None


def raised() -> tuple[type[BaseException], ...]:
    """What the drivers that are in use may raise."""
    there = [(sys.modules.get(module), name) for module, name in _ROOTS]
    found = [getattr(module, name, None) for module, name in there if module is not None]
    # gcsfs makes some of a server's answers a ValueError.
    more = (ValueError,) if "gcsfs" in sys.modules else ()
    return (OSError, NotImplementedError, *more, *(each for each in found if each is not None))


def _sentence(error: BaseException, done: str, url: str) -> StoreError:
    reason = reason_of(error)
    words = f"{url} could not be {done} ({', '.join([reason, *getattr(error, '__notes__', ())])})"
    if isinstance(error, NotImplementedError):
        return StoreError(f"{words}: its file system cannot do that; choose another place")
    if isinstance(error, PermissionError) or any(word in reason for word in _RIGHTS):
        return StoreError(
            f"{words}: check the credentials in the environment or config file, and their rights"
        )
    if any(link in reason for link in _LINKS):
        return UnreachableError(f"{words}: check the network and the endpoint, then run it again")
    return UnreachableError(f"{words}: run the same command again, or check the endpoint")
