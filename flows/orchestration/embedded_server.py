"""The Prefect server of one command: a child process on loopback that ends with the command.

Prefect can start one itself, and imports the whole server into the command to do so: a quarter of the CPU
time of a run in which everything is cached. Here the command only opens the socket and waits. The child
is this file: `python -m flows.orchestration.embedded_server prefect.server.api.server:create_app SOCKET`.
"""

import atexit
import http.client
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from storage.startup import many_imports

if TYPE_CHECKING:
    import uvicorn

APP = "prefect.server.api.server:create_app"
_HOST = "127.0.0.1"
_SECONDS_TO_END = 5.0
# The page that shows old runs is `prefect server start`'s, which registers its blocks itself. A token
# against forged requests of a browser says nothing here: no page is served.
_SERVER_SETTINGS = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
}


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that has been started and may not answer yet."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def api(self) -> str:
        """The address of its API."""
        return f"http://{_HOST}:{self.port}/api"

    def wait(self, seconds: float) -> None:
        """Return once it answers; a RuntimeError if it doesn't in time."""
        asked = http.client.HTTPConnection(_HOST, self.port, timeout=seconds)
        try:
            # The socket takes the question before the server is up, and holds it for as long.
            asked.request("GET", "/api/health")
            status = asked.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeError(f"the embedded server did not start: {error}") from error
        finally:
            asked.close()
        if status != HTTPStatus.OK:
            raise RuntimeError(f"the embedded server did not start: it answered {status}")

    def end(self) -> None:
        """Ask it to end, and make sure that it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start_server() -> EmbeddedServer:
    """Start this command's server; it ends with the interpreter, or as soon as the command is gone.

    It runs in a separate session: Ctrl-C is for the command, which then tells the server what
    became of its run.
    """
    with socket.socket() as listening:
        listening.bind((_HOST, 0))
        listening.listen()
        place = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.orchestration.embedded_server", APP, str(place)],
            stdin=subprocess.PIPE,  # closed when this process ends, for any reason
            pass_fds=(place,),
            start_new_session=True,
            env={**os.environ, **_SERVER_SETTINGS},
        )
        server = EmbeddedServer(process, listening.getsockname()[1])
    # Registered before Prefect's own last words, and so called after them.
    atexit.register(server.end)
    return server


def serve(app: str, place: int) -> None:
    """Serve on an open socket until a request to end, or until standard input is closed."""
    with many_imports():
        import uvicorn

        config = uvicorn.Config(app, factory=True, log_level="error", lifespan="on")
        server = uvicorn.Server(config)
        threading.Thread(target=_end_with_the_command, args=(server,), daemon=True).start()
        config.load()
    server.run(sockets=[socket.socket(fileno=place)])


def _end_with_the_command(server: "uvicorn.Server") -> None:
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
