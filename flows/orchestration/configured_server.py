"""The Prefect server that the user has configured, for commands that ask it themselves; none is started."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.orchestration.prefect_settings import api_url, spare_loopback_the_proxy, unset_defaults
from flows.orchestration.unusable_settings import UNUSABLE, require_usable_proxies, what_is_unusable

if TYPE_CHECKING:
    import httpx
    from prefect.client.orchestration import SyncPrefectClient

_REFUSED_LOGIN = (401, 403)


@contextmanager
def configured_server() -> Iterator["SyncPrefectClient"]:
    """A client of the server; a ValueError if none is configured, or it doesn't answer or refuses."""
    spare_loopback_the_proxy()
    require_usable_proxies()
    os.environ.update(unset_defaults())
    address = re.sub(r"//[^/@]*@", "//", _configured_api())  # without a password
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        with get_client(sync_client=True) as client:
            _require_api(client.hello().text, address)
            yield client
    except httpx.TransportError as error:
        raise ValueError(
            f"the Prefect server at {address} doesn't answer ({error or type(error).__name__}); start it "
            "with 'prefect server start', or set PREFECT_API_URL to the address of yours"
        ) from error
    except PrefectHTTPStatusError as error:
        raise ValueError(_refusal(error.response, address)) from error


def _configured_api() -> str:
    try:
        address = api_url()
    except UNUSABLE as error:
        raise ValueError(what_is_unusable(error)) from error
    if not address:
        raise ValueError(
            "no Prefect server is configured: start one with 'prefect server start', then "
            "'export PREFECT_API_URL=http://127.0.0.1:4200/api' here and where the worker runs"
        )
    return address


def _require_api(answer: str, address: str) -> None:
    if answer.lstrip().startswith("<"):  # the page, which answers to every path
        raise ValueError(
            f"PREFECT_API_URL is {address}, which is a web page and not Prefect's API; add '/api' at the end"
        )


def _refusal(response: "httpx.Response", address: str) -> str:
    if response.status_code in _REFUSED_LOGIN:
        return (
            f"the Prefect server at {address} refuses the login ({response.status_code}); set "
            "PREFECT_API_AUTH_STRING (your own server) or PREFECT_API_KEY (Prefect Cloud) here"
        )
    said = " ".join(response.text.split())[:200]
    return (
        f"the Prefect server at {address} refused a request ({response.status_code} {said}); check that "
        "PREFECT_API_URL ends with '/api', and that the server's version of Prefect is the one installed here"
    )
