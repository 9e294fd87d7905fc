"""How Prefect behaves where nobody has said otherwise; nothing that the user set is overridden.

Everything is set through the environment and before Prefect is imported, because Prefect reads it
then and hands it on to its embedded server, a child process.
"""

import contextlib
import os
import tomllib
from pathlib import Path
from typing import Any

import psutil

from flows.embedded_server import APP, EmbeddedServer, start_server
from flows.process import identity, is_alive
from kdm.training.child_environment import safe_path
from storage.digest import sha256_of, short
from storage.fs import Folder
from storage.local_paths import user_path

# Measured on two busy cores: a first start migrates a new database for up to 25 s, Prefect waits 20.
# Two retries wait 2 + 4 s; a server that hangs costs at most 3 × 15 s more for each request.
DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_API_REQUEST_TIMEOUT": "15",
}
# The command line tells progress and faults in its own words; Prefect's log stays in its database.
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL": "CRITICAL",  # of its services in the background
}
# Which process an embedded server belongs to: its number and the second it was started in.
OWNER = "KDM_PREFECT_OWNER"
# What importing Prefect raises where its settings are of the wrong type or shape, or its folder is no folder.
UNUSABLE = (ValueError, TypeError, LookupError, AttributeError, OSError)
# Prefect 2 wrote profiles that name no API and do not say this; Prefect 3 then starts no server.
_EMBEDDED = ("PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE")
# Where settings of Prefect may stand in the current folder, and the word that says so.
_FILES = {".env": "PREFECT_", "prefect.toml": "", "pyproject.toml": "tool.prefect"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def set_defaults(home: Folder) -> None:
    """Set what is unset.

    Whoever uses Prefect on this machine (PREFECT_HOME, or profiles in ~/.prefect) keeps their
    Prefect home, with the API that they chose and the history of their runs. For everybody else
    it lies below the project's home: it goes when that goes, and ~/.prefect is never touched. Its
    database needs a disk, so that of a remote home lies in the user's cache.
    """
    if not os.environ.get("PREFECT_HOME") and not _profiles().is_file():
        os.environ["PREFECT_HOME"] = str(_own_prefect_home(home))
    chosen = {**_active_profile(), **os.environ}
    os.environ.update({name: value for name, value in QUIET.items() if name not in chosen})
    os.environ.update(unset_defaults())
    if not chosen.get("PREFECT_API_URL") and not any(name in chosen for name in _EMBEDDED):
        os.environ[_EMBEDDED[0]] = "true"
    spare_loopback_the_proxy()


def unset_defaults() -> dict[str, str]:
    """Those of `DEFAULTS` that the user has not chosen."""
    chosen = {**_active_profile(), **os.environ}
    return {name: value for name, value in DEFAULTS.items() if name not in chosen}


def prepare_prefect(home: Folder) -> None:
    """Set what is unset, and end embedded servers that a killed command left behind."""
    set_defaults(home)
    _prefect_home().mkdir(parents=True, exist_ok=True)
    os.environ.update(safe_path())  # for the server, a child whose command line is Prefect's
    end_orphaned_servers()
    os.environ[OWNER] = identity()


def start_embedded_server() -> EmbeddedServer | None:
    """The server of a command for which no API is configured, on its way; None where one is.

    A ValueError where Prefect cannot use its settings.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED

    if PREFECT_API_URL.value() or not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        return None
    server = start_server()
    os.environ |= {
        "PREFECT_API_URL": server.api,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # one request less: it serves no page
    }
    refresh_global_settings_context()
    return server


def forget_embedded_server() -> None:
    """Take its address out of the environment, which commands started later from this process inherit.

    Prefect's last words still find it: its settings have been read.
    """
    for name in ("PREFECT_API_URL", "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"):
        os.environ.pop(name, None)


def may_have_api(home: Folder) -> bool:
    """Whether the user has said which API serves, or that none may be embedded, as far as words tell.

    Prefect is not imported; it alone can tell what settings in files of the current folder come to.
    """
    said = (*_EMBEDDED, "PREFECT_API_URL")
    if any(os.environ.get(name) for name in said):
        return True
    profiles = _profiles()
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


def startup_seconds() -> float:
    """How long a command waits for its server."""
    from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

    return float(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())


def api_url() -> str:
    """The API that is configured; empty where the embedded server serves."""
    if not os.environ.get("PREFECT_API_URL") and not _prefect_home().exists():
        return ""  # importing Prefect would make the folder
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value() or "")


def why_unusable(error: Exception) -> str:
    """One sentence for a run that goes on without Prefect."""
    return f"{what_is_unusable(error)}; going on without Prefect, the data do not depend on it"


def what_is_unusable(error: Exception) -> str:
    """Settings that Prefect refused as it was imported: where they stand, and what is wrong.

    TOML that is none, a value of the wrong type: Prefect raises the parser's words, without a file.
    """
    path = _profiles()
    try:
        names = _wrong_settings(error)
        places = [f"{name} in the environment" for name in names if name in os.environ]
        profile = _active_profile()
        places += [f"{name} in {path}" for name in names if name in profile]
        tomllib.loads(path.read_text(encoding="utf-8") if path.is_file() else "")
        where = " and ".join(places) or f"in {path}, prefect.toml, .env or the environment"
    except ValueError as fault:
        where, error = f"{path} is not TOML", fault
    except OSError as fault:
        where, error = f"{path} cannot be read", fault
    reason = " ".join(str(error).split("For further information")[0].split())
    return f"Prefect cannot use its settings: {where} ({reason[:200]})"


def end_orphaned_servers() -> list[int]:
    """End the embedded servers whose command is dead (kill -9 leaves them); their numbers.

    Ours carry their owner in their environment; no other process is looked at twice.
    """
    ended = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if APP not in process.cmdline():
                continue
            owner = process.environ().get(OWNER)
            if owner and not is_alive(owner):
                process.terminate()
                ended.append(process.pid)
    return ended


def _own_prefect_home(home: Folder) -> Path:
    if home.is_local:
        return home.local_path(".prefect")
    caches = user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return caches / "kdm" / f"prefect-{short(sha256_of(home.url.encode()))}"


def _prefect_home() -> Path:
    return user_path(os.environ.get("PREFECT_HOME") or "~/.prefect")


def _profiles() -> Path:
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or _prefect_home() / "profiles.toml")


def _active_profile() -> dict[str, Any]:
    """The settings of the profile that Prefect will take; none where it cannot be read."""
    try:
        content = tomllib.loads(_profiles().read_text(encoding="utf-8"))
        name = os.environ.get("PREFECT_PROFILE") or content.get("active")
        return dict(content.get("profiles", {}).get(name, {}))
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
    ):  # what is wrong Prefect says when it reads it
        return {}


def _wrong_settings(error: Exception) -> list[str]:
    """Names of the settings, in the environment or the profile, that a validation error is about."""
    fields = [
        str(each["loc"][-1]).upper() for each in getattr(error, "errors", list)() if each["loc"]
    ]
    known = {**_active_profile(), **os.environ}
    return sorted(
        name
        for name in known
        if name.startswith("PREFECT_") and name.endswith(tuple(f"_{field}" for field in fields))
    )


def spare_loopback_the_proxy() -> None:
    """A proxy does not know this machine's own servers; those of the user's NO_PROXY stay spared too."""
    for name, other in (("no_proxy", "NO_PROXY"), ("NO_PROXY", "no_proxy")):
        spared = os.environ.get(name) or os.environ.get(other) or ""
        found = [each.strip() for each in spared.split(",") if each.strip()]
        if "*" not in found:
            more = [each for each in _LOOPBACK if each not in found]
            os.environ[name] = ",".join([*found, *more])
