"""A PostgreSQL of a test's own on loopback, which may be killed and started again."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

_DEBIANS = Path("/usr/lib/postgresql")  # where its packages put programs that are on no PATH
_USER = "postgres"  # PostgreSQL refuses to run as root


class Postgres:
    """A server with an empty database `prefect`."""

    def __init__(self, programs: Path, place: Path) -> None:
        self._programs, self._place = programs, place
        self._user = _USER if os.getuid() == 0 else None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self._call(
            "initdb", "--auth", "trust", "--username", "me", "--no-sync", str(place / "data")
        )
        self.start()
        self._call("createdb", *self._here(), "prefect")

    @property
    def url(self) -> str:
        """The address as Prefect's server takes it."""
        return f"postgresql+asyncpg://me@127.0.0.1:{self._port}/prefect"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["-D", str(self._place / "data"), "-p", self._port, "-k", str(self._place)]
        with (self._place / "log").open("ab") as log:
            self._server = psutil.Popen(
                [str(self._programs / "postgres"), *options, "-h", "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._place,
            )
        deadline = time.monotonic() + 60
        while subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", self._port], check=False
        ).returncode:
            assert time.monotonic() < deadline, (self._place / "log").read_text()
            time.sleep(0.2)

    def kill(self) -> None:
        """kill -9 of the server and of all its processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for each in [self._server, *self._server.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self._server.wait()

    def empty(self) -> None:
        """The database anew, whoever is connected."""
        self._call("dropdb", "--force", *self._here(), "prefect")
        self._call("createdb", *self._here(), "prefect")

    def _here(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", self._port, "-U", "me"]

    def _call(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, *words],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self._place,
        )


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """A server that goes with its data; the test is skipped where there is no PostgreSQL."""
    programs = _programs()
    with tempfile.TemporaryDirectory() as place:
        if os.getuid() == 0:
            shutil.chown(place, _USER)
        server = Postgres(programs, Path(place))
        try:
            yield server
        finally:
            server.kill()


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(_DEBIANS.glob("*/bin"))
    if not places or not (places[-1] / "initdb").exists():
        pytest.skip("no PostgreSQL here; Debian's package is postgresql")
    if os.getuid() == 0 and _USER not in {each.pw_name for each in pwd.getpwall()}:
        pytest.skip(f"PostgreSQL doesn't run as root, and there is no user {_USER}")
    return places[-1]
