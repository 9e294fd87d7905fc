"""The file system of a URL, by fsspec: no cached listings, bounded retries, no secrets in URLs.

Credentials come from where each provider's library looks for them: the environment, config files,
the machine's role. Options of a user's fsspec configuration stay in force.
"""

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
_S3 = ("s3", "s3a")
# s3fs would repeat all of that three times, and three times again when it reads.
_S3FS_ATTEMPTS = 1


def require_known(protocol: str) -> None:
    """Raise a sentence if fsspec doesn't know a protocol, or lacks its driver."""
    import fsspec

    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError:
        extra = "'kdm-offline[s3]'" if protocol in _S3 else f"fsspec's driver for {protocol}://"
        raise StoreError(f"{protocol}:// needs a package: pip install {extra}") from None
    except ValueError:
        raise ValueError(
            f"{protocol}:// is not a file system that fsspec knows; use a path, or s3://bucket/kdm"
        ) from None


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it. Looked up each time: it is its own cache."""
    # Imported here, because a local store needs none of it.
    core = import_module("fsspec.core")
    protocol = url.partition("://")[0]
    if protocol not in _S3:
        system, path = core.url_to_fs(url, use_listings_cache=False)
        return system, path
    users = import_module("fsspec.config").conf.get("s3", {}).get("config_kwargs", {})
    options = {"config_kwargs": {**S3_CONFIG, **users}}
    system, path = core.url_to_fs(url, use_listings_cache=False, **options)
    system.retries = _S3FS_ATTEMPTS
    return system, path


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
