"""The Prefect server that a command starts for itself, and ends."""

import contextlib
import os

import psutil

from flows.orchestration.embedded_server import APP, EmbeddedServer, start_server
from flows.orchestration.prefect_settings import prefect_home, set_defaults
from flows.process import identity, is_alive
from kdm.training.child_environment import safe_path
from storage.folders import Folder

# The process that an embedded server belongs to: its id and start time.
OWNER = "KDM_PREFECT_OWNER"


def prepare_prefect(home: Folder) -> None:
    """Set the defaults, and end embedded servers that killed commands left behind."""
    set_defaults(home)
    prefect_home().mkdir(parents=True, exist_ok=True)
    os.environ.update(safe_path())  # for the server, whose command line is Prefect's own
    end_orphaned_servers()
    os.environ[OWNER] = identity()


def start_embedded_server() -> EmbeddedServer | None:
    """Start the command's server if no API is configured; None if one is.

    A ValueError if Prefect can't use its settings.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED

    if PREFECT_API_URL.value() or not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        return None
    server = start_server()
    os.environ |= {
        "PREFECT_API_URL": server.api,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # saves a request; it has no web page
    }
    refresh_global_settings_context()
    return server


def forget_embedded_server() -> None:
    """Remove its address from the environment, which later child processes inherit.

    Prefect's final requests still reach it, because the settings were read before.
    """
    for name in ("PREFECT_API_URL", "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"):
        os.environ.pop(name, None)


def startup_seconds() -> float:
    """How long a command waits for its server."""
    from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

    return float(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())


def end_orphaned_servers() -> list[int]:
    """End the embedded servers whose command was killed; returns their process ids.

    They carry their owner in their environment; no other process is touched.
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
