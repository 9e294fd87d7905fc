"""Folders behind a network: lost answers, busy servers, wrong credentials; a sentence, no secret."""

import os
import random
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import boto3
import pytest
from conftest import CANARY
from faults.proxy import CUT_ANSWER, LOSE_ANSWER, PASS, endpoint_at, faulty

import storage.folders.remote_errors
import storage.folders.remote_systems
from storage.errors import StoreError, UnreachableError
from storage.folders import Folder, folder_at


@pytest.fixture
def folder(s3: str) -> Folder:
    return folder_at(f"{s3}/{uuid4().hex}")


@contextmanager
def with_faults(fault: Callable[[str, str], str]) -> Iterator[None]:
    with faulty(os.environ["AWS_ENDPOINT_URL"], fault) as url, endpoint_at(url):
        yield


def once(method: str, what: str) -> Callable[[str, str], str]:
    """The first request of a method goes wrong, no other."""
    left = [what]
    return lambda found, path: left.pop() if found == method and left else PASS


def test_a_folder_has_one_url_however_it_is_written(s3: str) -> None:
    folder = folder_at(f"{s3}/a//b/")
    assert folder == folder_at(f"{s3}/a/b") == folder_at(s3) / "a" / "b"
    assert (folder.url, folder.name, folder.is_local) == (f"{s3}/a/b", "b", False)
    assert folder_at("memory:///a/b") == folder_at("memory://a/b")


def test_what_another_client_writes_is_seen_at_once(folder: Folder) -> None:
    folder.create("a", b"1")
    assert folder.names() == list(folder.files()) == ["a"]
    bucket, _, prefix = folder.url.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    client.put_object(Bucket=bucket, Key=f"{prefix}/b", Body=b"22")
    assert folder.names() == list(folder.files()) == ["a", "b"]
    client.delete_object(Bucket=bucket, Key=f"{prefix}/a")
    assert folder.names() == ["b"]
    assert not folder.exists("a")


def test_a_lost_answer_to_a_put_is_a_success(folder: Folder) -> None:
    with with_faults(once("PUT", LOSE_ANSWER)):
        assert folder.create("a", b"mine")
    assert folder.read("a") == b"mine"
    with with_faults(once("PUT", LOSE_ANSWER)):
        assert not folder.create("a", b"yours")
    assert folder.read("a") == b"mine"


def test_two_puts_at_once_of_which_the_server_took_neither_are_tried_again(folder: Folder) -> None:
    with with_faults(once("PUT", "ConditionalRequestConflict")):
        assert folder.create("a", b"1")


def test_an_answer_that_breaks_off_is_asked_for_again(folder: Folder) -> None:
    data = random.Random(0).randbytes(200_000)
    folder.create("a", data)
    with with_faults(once("GET", CUT_ANSWER)):
        assert folder.read("a") == data


def test_a_busy_server_is_asked_again_until_it_answers(folder: Folder) -> None:
    chance, said = random.Random(1), []

    def busy(method: str, path: str) -> str:
        said.append("SlowDown" if chance.random() < 0.2 else PASS)
        return said[-1]

    with with_faults(busy):
        for name in "abcde":
            assert folder.create(name, name.encode())
        assert folder.read_many("edcba") == [b"e", b"d", b"c", b"b", b"a"]
    assert "SlowDown" in said


@pytest.mark.parametrize("what", [LOSE_ANSWER, CUT_ANSWER])
def test_connections_that_break_more_often_than_the_driver_tries_are_made_again(
    folder: Folder, impatient: None, what: str
) -> None:
    folder.create("a", b"there")
    left: list[str] = []
    with with_faults(lambda _method, _path: left.pop() if left else PASS):
        for ask in (folder.files, lambda: folder.create("b", b"mine")):
            left += [what] * 3  # the driver tries twice
            assert ask()
            assert left == []


def test_an_exception_in_the_midst_of_a_write_leaves_nothing_visible(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    sound = S3FileSystem._call_s3

    async def breaking(self, method: str, *args: object, **kwargs: object) -> object:
        if method == "upload_part" and kwargs["PartNumber"] == 2:
            raise RuntimeError("broke down")
        return await sound(self, method, *args, **kwargs)

    monkeypatch.setattr(S3FileSystem, "_call_s3", breaking)
    with pytest.raises(RuntimeError, match="broke down"):
        folder.create("large", bytes(101 * 2**20))  # s3fs sends more than 100 MiB in parts
    assert folder.files() == {}


def test_a_missing_bucket_is_told_before_work_and_by_every_answer(s3: str) -> None:
    folder = folder_at(f"{s3}-that-is-not-there/home")
    uses = (
        lambda: folder.require_writable("the set"),
        lambda: folder.create("a", b"1"),
        lambda: folder.replace("a", b"1"),
        lambda: folder.read("a"),
        lambda: folder.exists("a"),
        folder.names,
        folder.files,
    )
    for use in uses:
        with pytest.raises(StoreError, match="there is no such bucket"):
            use()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
def test_wrong_credentials_are_told_before_work(folder: Folder, code: str) -> None:
    with with_faults(lambda method, path: code):
        with pytest.raises(StoreError, match=rf"the set: nothing was begun, .*{code}.*credentials"):
            folder.require_writable("the set")
        for use in (folder.names, folder.files, folder.exists, lambda: folder.read("a")):
            with pytest.raises(StoreError, match="check the credentials"):
                use()


def test_missing_credentials_are_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    told = pytest.raises(StoreError, match=r"NoCredentialsError.*check the credentials")
    with endpoint_at(os.environ["AWS_ENDPOINT_URL"]), told:
        folder.names()


def test_a_server_that_does_not_know_exclusive_creation_is_refused_before_work(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    sound = S3FileSystem._pipe_file

    async def ignoring(self, path: str, data: bytes, mode: str) -> object:
        return await sound(self, path, data)

    monkeypatch.setattr(S3FileSystem, "_pipe_file", ignoring)
    with pytest.raises(StoreError, match="use a server that honours If-None-Match"):
        folder.require_writable("the set")
    assert folder.files() == {}


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def mute_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        yield f"http://127.0.0.1:{mute.getsockname()[1]}"


def says(error: pytest.ExceptionInfo[BaseException]) -> str:
    """All that anybody may print of an error."""
    lines = traceback.format_exception(error.type, error.value, error.tb)
    return "".join([str(error.value), repr(error.value), *lines])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts in place of five, and no long wait for an answer."""
    config = {"read_timeout": 0.2, "retries": {"total_max_attempts": 2}}
    monkeypatch.setattr(storage.folders.remote_systems, "S3_CONFIG", config)


def test_a_dead_endpoint_is_told_without_the_secret_in_its_address(
    folder: Folder, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.folders.remote_errors, "_LONGEST_WAIT", 0.0)
    told = pytest.raises(UnreachableError, match="check the network and the endpoint")
    with endpoint_at(f"http://user:{CANARY}@127.0.0.1:{closed_port()}"), told as error:
        folder.read("a")
    assert CANARY not in says(error)


def test_an_endpoint_that_never_answers_is_left(
    folder: Folder, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.folders.remote_errors, "_PATIENCE", 0.0)
    told = pytest.raises(UnreachableError, match="Timeout")
    with mute_server() as url, endpoint_at(url), told:
        folder.read("a")


def test_a_server_that_stays_busy_is_told_with_the_tries_it_was_given(
    folder: Folder, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.folders.remote_errors, "_LONGEST_WAIT", 0.0)
    with (
        with_faults(lambda _method, _path: "TooManyRequests"),
        pytest.raises(UnreachableError, match=r"TooManyRequests, 8 tries in \d+ s"),
    ):
        folder.read("a")


def test_no_request_is_waited_for_longer_than_a_minute_and_a_half() -> None:
    config = storage.folders.remote_systems.S3_CONFIG
    attempts = config["retries"]["total_max_attempts"]
    waits = sum(2**attempt for attempt in range(attempts - 1))  # botocore's standard mode, at most
    assert attempts * config["connect_timeout"] + waits <= 45
    assert attempts * config["read_timeout"] + waits <= 90


@pytest.mark.parametrize(
    ("url", "match"),
    [
        (f"s3://user:{CANARY}@bucket/home", "an address with a user, a password"),
        (f"s3://user:{CANARY}/a+b@bucket/home", "an address with a user, a password"),
        (f"s3://user:{CANARY}", "carries no user, password"),
        (f"s3://{CANARY}@bucket/home", "an address with a user, a password"),
        (f"s3://bucket/home?X-Amz-Signature={CANARY}", "a password or a signature"),
        (f"s3://bucket/home?versionId={CANARY}", "carries no user, password"),
        (f"s3;//user:{CANARY}@bucket/home", "an address with a user, a password"),
        (f"s3://bucket/home#{CANARY}", "carries no user, password"),
        (f"key={CANARY}://bucket", "is not a protocol"),
        (f"nonsense://{CANARY}/x", "not a file system that fsspec knows"),
        (f"simplecache::s3://{CANARY}/x", "is not a protocol"),
        (f"file://{CANARY}/x", "can't have a machine name"),
        (f"s3:///{CANARY}", "write the place as s3://bucket/kdm"),
        (f"s3://bucket/../{CANARY}", "write the place as s3://bucket/kdm"),
        (f"s3://bucket/*{CANARY}", "can't have"),
    ],
)
def test_a_url_that_cannot_be_is_refused_without_repeating_it(url: str, match: str) -> None:
    with pytest.raises(ValueError, match=match) as error:
        folder_at(url)
    assert CANARY not in str(error.value)


def test_no_answer_of_a_server_is_repeated(folder: Folder) -> None:
    told = pytest.raises(StoreError, match="TeapotError")
    with with_faults(lambda method, path: "TeapotError"), told as error:
        folder.create("a", b"1")
    assert "as the test asked" not in says(error)
    assert CANARY not in says(error)


def test_a_protocol_whose_package_is_missing_is_told_with_what_to_install() -> None:
    script = """
import sys
sys.modules["s3fs"] = None
import storage.folders.remote_errors
import storage.folders.remote_systems
from storage.folders import folder_at
from storage.errors import StoreError
try:
    folder_at("s3://bucket/kdm")
except StoreError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout == "s3:// needs a package: pip install 'kdm-offline[s3]'\n"
