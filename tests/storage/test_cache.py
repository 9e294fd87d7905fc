"""What comes out of the cache is what was recorded; what lies in it never outgrows its bound."""

import os
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.digest import sha256_of
from storage.errors import DamageError, StoreError
from storage.reading import cache as module
from storage.reading.cache import ShardCache

FILES = [bytes([number]) * 100 for number in range(20)]
DIGESTS = [sha256_of(data) for data in FILES]


class Server:
    """Gives files and counts what was asked."""

    def __init__(self) -> None:
        self.num_asked = 0

    def read(self, cache: ShardCache, number: int) -> bytes:
        return bytes(cache.open(DIGESTS[number], lambda: self.fetch(number)).mapped())

    def fetch(self, number: int) -> bytes:
        self.num_asked += 1
        return FILES[number]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def cache(tmp_path: Path) -> ShardCache:
    return ShardCache(tmp_path / "cache", 500)


def held(cache: ShardCache) -> set[int]:
    return {DIGESTS.index(path.name) for path in cache.folder.glob("?" * 64)}


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was read, as another process would not know it."""
    monkeypatch.setattr(module, "_SOUND", set())


def test_a_file_is_fetched_once(cache: ShardCache, server: Server) -> None:
    again = ShardCache(cache.folder, 500)
    assert server.read(cache, 3) == server.read(cache, 3) == server.read(again, 3) == FILES[3]
    assert server.num_asked == 1


@pytest.mark.parametrize("data", [b"", FILES[3][:50], FILES[4]])
def test_a_damaged_file_is_fetched_again(
    cache: ShardCache, server: Server, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.read(cache, 3)
    (cache.folder / DIGESTS[3]).write_bytes(data)
    restart(monkeypatch)
    assert server.read(cache, 3) == FILES[3]
    assert server.num_asked == 2


def test_other_bytes_than_recorded_never_appear(cache: ShardCache) -> None:
    with pytest.raises(DamageError, match="recorded is"):
        cache.open(DIGESTS[3], lambda: FILES[4])
    assert held(cache) == set()


def test_the_least_recently_used_goes_first_and_the_bound_holds(
    cache: ShardCache, server: Server
) -> None:
    for number in (0, 1, 2, 3, 4, 0, 5, 6):
        server.read(cache, number)
    assert held(cache) == {0, 3, 4, 5, 6}


def test_an_open_file_that_was_evicted_can_be_read_on(cache: ShardCache, server: Server) -> None:
    file = cache.open(DIGESTS[0], lambda: FILES[0])
    for number in range(1, 7):
        server.read(cache, number)
    assert 0 not in held(cache)
    assert bytes(file.mapped()) == FILES[0]


def test_what_can_never_fit_is_refused(cache: ShardCache) -> None:
    with pytest.raises(StoreError, match="holds 500; raise KDM_CACHE_BYTES"):
        cache.require_room(501, "a window")
    large = bytes(501)
    with pytest.raises(StoreError, match="one shard needs 501"):
        cache.open(sha256_of(large), lambda: large)


def test_many_at_once_keep_the_bound_and_get_the_right_bytes(
    cache: ShardCache, server: Server
) -> None:
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            sizes = [FILES[number] for number in held(cache)]
            most = max(most, sum(map(len, sizes)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    caches = [ShardCache(cache.folder, 500) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        asked = [(number * 7 + each) % 20 for each in range(4) for number in range(50)]
        got = list(pool.map(lambda n: server.read(caches[n % 4], n), asked))
    done.set()
    watcher.join()
    assert got == [FILES[number] for number in asked]
    assert 0 < most <= 500


def test_what_a_killed_process_left_is_removed_and_what_is_not_the_caches_is_not(
    cache: ShardCache, server: Server
) -> None:
    server.read(cache, 0)
    (cache.folder / f".tmp-{platform.node()}-{2**22 + 1}-{'0' * 32}").write_bytes(bytes(400))
    (cache.folder / "thesis.tex").write_bytes(bytes(500))
    server.read(cache, 1)
    expected = [".lock", DIGESTS[0], DIGESTS[1], "thesis.tex"]
    assert sorted(path.name for path in cache.folder.iterdir()) == sorted(expected)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="set KDM_CACHE to another folder"):
        server.read(ShardCache(tmp_path / "file" / "cache"), 0)


def test_the_default_is_what_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_CACHE", str(tmp_path))
    monkeypatch.setenv("KDM_CACHE_BYTES", "1000")
    cache = ShardCache.default()
    assert (cache.folder, cache.max_bytes) == (tmp_path, 1000)
    monkeypatch.setenv("KDM_CACHE_BYTES", "8 GiB")
    with pytest.raises(ValueError, match="whole number"):
        ShardCache.default()


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDM_CACHE", "")
    monkeypatch.setenv("KDM_CACHE_BYTES", "")
    cache = ShardCache.default()
    assert cache.folder == Path("~/.cache/kdm-offline/shards").expanduser()
    assert cache.max_bytes == 8 * 2**30


def test_a_pipe_in_place_of_a_file_is_refused_at_once(cache: ShardCache, server: Server) -> None:
    cache.folder.mkdir()
    os.mkfifo(cache.folder / DIGESTS[0])
    with pytest.raises(DamageError, match="not a regular file"):
        server.read(cache, 0)
