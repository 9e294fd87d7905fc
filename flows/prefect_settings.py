"""How Prefect behaves where nobody has said otherwise; nothing that the user set is overridden.

Everything is set through the environment and before Prefect is imported, because Prefect reads it
then and hands it on to its embedded server, a child process.
"""

import contextlib
import os
from pathlib import Path

import psutil

from storage.digest import sha256_of, short
from storage.fs import Folder

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
_SERVER = "prefect.server.api.server:create_app"


def set_defaults(home: Folder) -> None:
    """Set what is unset.

    Whoever uses Prefect on this machine (PREFECT_HOME, or profiles in ~/.prefect) keeps their
    Prefect home, with the API that they chose and the history of their runs. For everybody else
    it lies below the project's home: it goes when that goes, and ~/.prefect is never touched. Its
    database needs a disk, so that of a remote home lies in the user's cache.
    """
    profiles = _prefect_home() / "profiles.toml"
    chosen = profiles.read_text() if profiles.is_file() else ""
    if not chosen:
        os.environ.setdefault("PREFECT_HOME", str(_own_prefect_home(home)))
    for name, value in {**DEFAULTS, **QUIET}.items():
        if name not in chosen:
            os.environ.setdefault(name, value)


def prepare_prefect(home: Folder) -> None:
    """Set what is unset, and end embedded servers that a killed command left behind."""
    set_defaults(home)
    _prefect_home().mkdir(parents=True, exist_ok=True)
    end_orphaned_servers()
    os.environ[OWNER] = _identity(psutil.Process())


def api_url() -> str:
    """The API that is configured; empty where the embedded server serves."""
    if not os.environ.get("PREFECT_API_URL") and not _prefect_home().exists():
        return ""  # importing Prefect would make the folder
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value() or "")


def end_orphaned_servers() -> list[int]:
    """End the embedded servers whose command is dead (kill -9 leaves them); their numbers.

    Ours carry their owner in their environment; no other process is looked at twice.
    """
    ended = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _SERVER not in process.cmdline():
                continue
            owner = process.environ().get(OWNER)
            if owner and not _is_alive(owner):
                process.terminate()
                ended.append(process.pid)
    return ended


def _own_prefect_home(home: Folder) -> Path:
    if home.is_local:
        return home.local_path(".prefect")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return caches / "kdm" / f"prefect-{short(sha256_of(home.url.encode()))}"


def _prefect_home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def _identity(process: psutil.Process) -> str:
    return f"{process.pid}:{process.create_time():.0f}"


def _is_alive(owner: str) -> bool:
    number, _, started = owner.partition(":")
    try:
        found = psutil.Process(int(number)).create_time()
        # A corrected clock moves the start of every process by a little.
        return abs(found - float(started)) < 5
    except (psutil.NoSuchProcess, ValueError):
        return False
