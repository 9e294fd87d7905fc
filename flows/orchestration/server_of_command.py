"""The Prefect server that a command starts for itself, and ends."""

import contextlib
import os

import psutil

from flows.orchestration.embedded_server import APP, EmbeddedServer, start_server
from flows.orchestration.prefect_settings import prefect_home, set_defaults
from flows.process import identity, is_alive
from kdm.training.child_environment import safe_path
from storage.fs import Folder

# Which process an embedded server belongs to: its number and the second it was started in.
OWNER = "KDM_PREFECT_OWNER"


def prepare_prefect(home: Folder) -> None:
    """Set what is unset, and end embedded servers that a killed command left behind."""
    set_defaults(home)
    prefect_home().mkdir(parents=True, exist_ok=True)
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


def startup_seconds() -> float:
    """How long a command waits for its server."""
    from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

    return float(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())


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
