"""The file system of a URL, by fsspec: no cached listings, bounded retries, no secrets in URLs.

Credentials come from where each provider's library looks for them: the environment, config files,
the machine's role. Options of a user's fsspec configuration stay in force.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from storage.errors import StoreError

# Five attempts, 7.5 s of waiting between them on average: a dead endpoint is found out in 8 s, one that
# is behind a wall in 33, one that takes requests and never answers in 83.
S3_CONFIG = {
    "connect_timeout": 5,
    "read_timeout": 15,
    "retries": {"total_max_attempts": 5, "mode": "standard"},
    "max_pool_connections": 32,
}
_S3, _GOOGLE, _AZURE = ("s3", "s3a"), ("gs", "gcs"), ("az", "abfs", "abfss", "adl")
_EXTRAS = {"s3": _S3, "gcs": _GOOGLE, "azure": _AZURE}
# s3fs would repeat all of that three times, and three times again when it reads.
_S3FS_ATTEMPTS = 1


def require_known(protocol: str) -> None:
    """Raise a sentence if fsspec doesn't know a protocol, or lacks its driver."""
    import fsspec

    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError:
        extras = [f"'kdm-offline[{name}]'" for name, known in _EXTRAS.items() if protocol in known]
        needed = extras[0] if extras else f"fsspec's driver for {protocol}://"
        raise StoreError(f"{protocol}:// needs a package: pip install {needed}") from None
    except ValueError:
        raise ValueError(
            f"{protocol}:// is not a file system that fsspec knows; use a path, or s3://bucket/kdm"
        ) from None


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it. Looked up each time: it is its own cache."""
    # Imported here, because a local store needs none of it.
    core, conf = import_module("fsspec.core"), import_module("fsspec.config").conf
    protocol = url.partition("://")[0]
    _silence_logs()
    options = _limits(protocol, conf)
    system, path = core.url_to_fs(url, use_listings_cache=False, **options)
    if protocol in _S3:
        system.retries = _S3FS_ATTEMPTS
    return system, path


def _limits(protocol: str, conf: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Limits of time for each request, unless the user's configuration has its own."""
    users = {key: value for each in _family(protocol) for key, value in conf.get(each, {}).items()}
    if protocol in _S3:
        return {"config_kwargs": {**S3_CONFIG, **users.get("config_kwargs", {})}}
    limits: dict[str, Any] = {}
    if protocol in _GOOGLE:  # six attempts, and some 35 s between them
        timeout = import_module("aiohttp").ClientTimeout(total=None, sock_connect=5, sock_read=10)
        limits = {"requests_timeout": timeout}
    elif protocol in _AZURE:  # four attempts, and some 60 s between them
        limits = {"connection_timeout": 5, "read_timeout": 15}
    return {name: value for name, value in limits.items() if name not in users}


def _family(protocol: str) -> tuple[str, ...]:
    return next((known for known in _EXTRAS.values() if protocol in known), (protocol,))


def _silence_logs() -> None:
    """Print no driver's log of a failed request, with its address and a traceback; users may set one up."""
    for name in ("gcsfs", "adlfs", "azure"):
        log = logging.getLogger(name)
        if not log.handlers:
            log.addHandler(logging.NullHandler())


def listed_below(system: Any, path: str) -> dict[str, dict[str, Any]]:
    """Everything below a path by name; what cannot be listed is raised, never left out.

    Object stores list it at once. The search that fsspec gives to all others leaves out, without a
    word, each folder whose listing fails, so these are walked here.
    """
    if _walks(type(system)):
        return _walked(system, path)
    found: dict[str, dict[str, Any]] = system.find(path, detail=True)
    return found


def _walks(kind: type) -> bool:
    """Whether a file system doesn't have its own search."""
    if hasattr(kind, "_find"):
        return kind._find is import_module("fsspec.asyn").AsyncFileSystem._find
    own = getattr(kind, "find", None)
    return own is import_module("fsspec.spec").AbstractFileSystem.find


def _walked(system: Any, path: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    folders = [path]
    while folders:
        folder = folders.pop()
        for info in system.ls(folder, detail=True):
            name = info["name"].rstrip("/") if info["type"] == "directory" else info["name"]
            if name != folder:
                found[name] = info
            if info["type"] == "directory" and name != folder:
                folders.append(name)
    return found
