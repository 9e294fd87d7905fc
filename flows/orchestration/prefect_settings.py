"""Prefect's defaults in this project. Nothing that the user set is overridden.

Everything is set through the environment before Prefect is imported, because Prefect reads it
then and hands it on to its embedded server, a child process.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

from storage.digest import sha256_of, short
from storage.folders import Folder
from storage.folders.local_paths import user_path

# Measured on two busy cores: a first start migrates a new database for up to 25 s, Prefect waits 20.
# Two retries wait 2 + 4 s; a server that hangs costs at most 3 × 15 s more for each request.
DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_API_REQUEST_TIMEOUT": "15",
}
# The command line reports progress and errors itself; Prefect's log stays in its database.
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL": "CRITICAL",  # of its services in the background
}
# Prefect 2 wrote profiles without an API or this setting; then Prefect 3 doesn't start a server.
_EMBEDDED = ("PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE")
# Files of the current folder that may hold Prefect's settings, and the word that shows it.
_FILES = {".env": "PREFECT_", "prefect.toml": "", "pyproject.toml": "tool.prefect"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def set_defaults(home: Folder) -> None:
    """Set what the user left unset.

    A user of Prefect on this machine (PREFECT_HOME, or profiles in ~/.prefect) keeps their
    Prefect home, with their API and run history. For everyone else it is below the project's home:
    it goes when that goes, and ~/.prefect is never touched. Its database needs a disk, so for a
    remote home it is in the user's cache.
    """
    if not os.environ.get("PREFECT_HOME") and not profiles_file().is_file():
        os.environ["PREFECT_HOME"] = str(_own_prefect_home(home))
    chosen = {**active_profile(), **os.environ}
    os.environ.update({name: value for name, value in QUIET.items() if name not in chosen})
    os.environ.update(unset_defaults())
    if not chosen.get("PREFECT_API_URL") and not any(name in chosen for name in _EMBEDDED):
        os.environ[_EMBEDDED[0]] = "true"
    spare_loopback_the_proxy()


def unset_defaults() -> dict[str, str]:
    """The `DEFAULTS` that the user hasn't set."""
    chosen = {**active_profile(), **os.environ}
    return {name: value for name, value in DEFAULTS.items() if name not in chosen}


def patience() -> dict[str, str]:
    """How soon a deployed run gives up on the server: the user's choice, else that of a command.

    Prefect's own is a minute for each request that isn't taken, and six for one that isn't answered.
    """
    names = ("PREFECT_CLIENT_MAX_RETRIES", "PREFECT_API_REQUEST_TIMEOUT")
    chosen = {**DEFAULTS, **active_profile(), **os.environ}
    return {name: str(chosen[name]) for name in names}


def may_have_api(home: Folder) -> bool:
    """Whether the user has chosen an API or ruled out an embedded one, as far as the settings' text shows.

    Without importing Prefect, which alone can resolve settings in files of the current folder.
    """
    said = (*_EMBEDDED, "PREFECT_API_URL")
    if any(os.environ.get(name) for name in said):
        return True
    profiles = profiles_file()
    if not os.environ.get("PREFECT_HOME") and not profiles.is_file():
        profiles = _own_prefect_home(home) / profiles.name
    told = {profiles: said, **{Path(file): (word,) for file, word in _FILES.items()}}
    try:
        return any(
            word in file.read_text(encoding="utf-8")
            for file, words in told.items()
            if file.is_file()
            for word in words
        )
    except (OSError, ValueError):
        return True


def api_url() -> str:
    """The configured API; empty if the embedded server is used."""
    if not os.environ.get("PREFECT_API_URL") and not prefect_home().exists():
        return ""  # importing Prefect would create the folder
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value() or "")


def _own_prefect_home(home: Folder) -> Path:
    if home.is_local:
        return home.local_path(".prefect")
    caches = user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return caches / "kdm" / f"prefect-{short(sha256_of(home.url.encode()))}"


def prefect_home() -> Path:
    """Where Prefect keeps profiles and history."""
    return user_path(os.environ.get("PREFECT_HOME") or "~/.prefect")


def profiles_file() -> Path:
    """The file of Prefect's profiles, which may not exist."""
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or prefect_home() / "profiles.toml")


def active_profile() -> dict[str, Any]:
    """The settings of Prefect's active profile; empty if it can't be read."""
    try:
        content = tomllib.loads(profiles_file().read_text(encoding="utf-8"))
        name = os.environ.get("PREFECT_PROFILE") or content.get("active")
        return dict(content.get("profiles", {}).get(name, {}))
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
    ):  # Prefect reports what is wrong when it reads it
        return {}


def spare_loopback_the_proxy() -> None:
    """Exempt this machine's own servers from a proxy, next to those in the user's NO_PROXY."""
    for name, other in (("no_proxy", "NO_PROXY"), ("NO_PROXY", "no_proxy")):
        spared = os.environ.get(name) or os.environ.get(other) or ""
        found = [each.strip() for each in spared.split(",") if each.strip()]
        if "*" not in found:
            more = [each for each in _LOOPBACK if each not in found]
            os.environ[name] = ",".join([*found, *more])
