"""Explains settings and proxies that Prefect refuses."""

import os
import re
import tomllib

from flows.orchestration.prefect_settings import active_profile, profiles_file
from storage.redaction import redacted

# What importing Prefect raises if its settings have the wrong type, or its folder isn't a folder.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_HTTP = re.compile(r"https?://|(?!.*://)", re.IGNORECASE)  # without a scheme it is http
UNUSABLE = (ValueError, TypeError, LookupError, AttributeError, OSError)


class UnusableProxyError(ValueError):
    """A proxy in the environment that Prefect's client can't use, not even to leave it alone."""


def require_usable_proxies() -> None:
    """Raise UnusableProxyError by name: NO_PROXY doesn't help, as every proxy is opened for every client."""
    proxies = {name: each for name, each in os.environ.items() if name.lower() in _PROXIES and each}
    if not proxies:
        return
    import httpx

    try:
        httpx.Client().close()
    except (ImportError, ValueError) as error:
        other = [name for name, each in proxies.items() if not _HTTP.match(each)]
        raise UnusableProxyError(
            f"Prefect's client cannot use the proxy that {' and '.join(other or proxies)} names; it "
            "takes http:// and https://, and socks5:// once 'pip install socksio' has run: unset it "
            "for this command, or give such an address"
        ) from error


def why_unusable(error: Exception) -> str:
    """One sentence for a run that continues without Prefect."""
    return f"{what_is_unusable(error)}; continuing without Prefect; the data don't depend on it"


def what_is_unusable(error: Exception) -> str:
    """The settings that Prefect refused when it was imported: where they are, and what is wrong.

    For invalid TOML or a wrong type, Prefect raises the parser's message without the file.
    """
    if isinstance(error, UnusableProxyError):
        return str(error)
    path = profiles_file()
    try:
        names = _wrong_settings(error)
        places = [f"{name} in the environment" for name in names if name in os.environ]
        profile = active_profile()
        places += [f"{name} in {path}" for name in names if name in profile]
        tomllib.loads(path.read_text(encoding="utf-8") if path.is_file() else "")
        where = " and ".join(places) or f"in {path}, prefect.toml, .env or the environment"
    except ValueError as fault:
        where, error = f"{path} is not TOML", fault
    except OSError as fault:
        where, error = f"{path} cannot be read", fault
    reason = redacted(" ".join(str(error).split("For further information")[0].split()))
    return f"Prefect cannot use its settings: {where} ({reason[:200]})"


def _wrong_settings(error: Exception) -> list[str]:
    """The settings, in the environment or the profile, that a validation error is about."""
    fields = [
        str(each["loc"][-1]).upper() for each in getattr(error, "errors", list)() if each["loc"]
    ]
    known = {**active_profile(), **os.environ}
    return sorted(
        name
        for name in known
        if name.startswith("PREFECT_") and name.endswith(tuple(f"_{field}" for field in fields))
    )
