"""Pushes and pulls that are killed or cut off anywhere; then the set is whole, verified and trained on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import SPEC, Finished, filled_store
from faults.commands import KDM, Ended, finish, kill_tree, start
from faults.digests import assert_equal, digests_of
from loopback_hub import TOKEN, Fault, Hub, running_hub

from storage.digest import digest_of, short
from storage.folders import folder_at

pytestmark = pytest.mark.faults

PLACES = 12  # of each kind of interruption
_IN_FLIGHT = 4  # files that a pull brings at once


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a set of eight shards."""
    home = tmp_path_factory.mktemp("points") / "home"
    place = home / "pairs" / f"points-{short(digest_of(SPEC))}"
    filled_store(folder_at(str(place)), 512, "wds-64")
    return home


class Client:
    """Commands that ask one Hub, one after the other."""

    def __init__(self, hub: Hub, place: Path) -> None:
        self.hub = hub
        self.variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(place / "hf")}

    def run(self, *words: str) -> Ended:
        return finish(start([KDM, *words], self.variables))

    def succeed(self, *words: str) -> Ended:
        ended = self.run(*words)
        assert ended.code == 0, ended.said
        assert TOKEN not in ended.said
        return ended

    def killed(self, number: int, *words: str) -> None:
        """The command, killed in the middle of its request of this number."""
        process = start([KDM, *words], self.variables)
        at = len(self.hub.requests) + number
        self.hub.faults[at] = Fault(cut=True, call=lambda: kill_tree(process))
        process.wait()
        self.hub.faults.clear()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with running_hub() as hub:
        yield Client(hub, tmp_path)


def places(num_requests: int) -> list[int]:
    """Some of a command's requests, the first and the last among them."""
    return sorted({1 + each * (num_requests - 1) // (PLACES - 1) for each in range(PLACES)})


def push_words(home: Path) -> tuple[str, ...]:
    return ("push", "pairs", "points", "ada/points", "--home", str(home))


def num_requests(hub: Hub, work: Callable[[], object]) -> int:
    before = len(hub.requests)
    work()
    return len(hub.requests) - before


def test_a_push_killed_anywhere_goes_on_and_sends_nothing_again(
    client: Client, points: Path
) -> None:
    hub, words = client.hub, push_words(points)
    asked = num_requests(hub, lambda: client.succeed(*words))
    golden = hub.files("ada/points", "datasets")
    for number in places(asked):
        hub.repositories.clear(), hub.objects.clear(), hub.arrived.clear()
        client.killed(number, *words)
        client.succeed(*words)
        assert set(hub.arrived.values()) == {1}, number
        assert hub.files("ada/points", "datasets") == golden, number


def test_a_pull_killed_anywhere_goes_on_and_is_sound(
    client: Client, points: Path, tmp_path: Path
) -> None:
    hub = client.hub
    client.succeed(*push_words(points))
    sizes = {path: len(data) for path, data in hub.files("ada/points", "datasets").items()}
    words = ("pull", "pairs", "ada/points", "--home")
    asked = num_requests(hub, lambda: client.succeed(*words, str(tmp_path / "golden")))
    golden = digests_of(tmp_path / "golden")
    for number in places(asked):
        home = tmp_path / f"killed-{number}"
        hub.served.clear()
        client.killed(number, *words, str(home))
        assert not list(home.glob("pairs/[!.]*"))
        client.succeed(*words, str(home))
        assert_equal(digests_of(home), golden)
        again = [path for path in sizes if "/" in path and hub.served[path] > sizes[path]]
        assert len(again) <= _IN_FLIGHT, (number, again)
        client.succeed("pairs", "verify", "points", "--deep", "--home", str(home))


@pytest.mark.parametrize("is_after", [False, True])
def test_connections_cut_anywhere_are_taken_up_again(
    is_after: bool, client: Client, points: Path, tmp_path: Path
) -> None:
    hub = client.hub
    asked = num_requests(hub, lambda: client.succeed(*push_words(points)))
    golden = hub.files("ada/points", "datasets")
    for number in places(asked):
        hub.repositories.clear(), hub.objects.clear(), hub.arrived.clear()
        hub.faults = {len(hub.requests) + number: Fault(cut=True, after=is_after)}
        ended = client.run(*push_words(points))
        if ended.code:
            assert "run the same command again" in ended.said, ended.said
            client.succeed(*push_words(points))
        # The client itself repeats a request whose answer was lost, once.
        assert sum(hub.arrived.values()) - len(hub.arrived) <= is_after, number
        assert hub.files("ada/points", "datasets") == golden, number
        hub.faults = {len(hub.requests) + each: Fault(cut=True) for each in (4, 5 + number % 9)}
        client.succeed("pull", "pairs", "ada/points", "--home", str(tmp_path / f"cut-{number}"))
        assert_equal(data_of(tmp_path / f"cut-{number}"), data_of(points))


def test_what_was_pulled_trains_the_student_that_the_original_trains(
    client: Client, finished: Finished, tmp_path: Path
) -> None:
    whole = finished.copy(tmp_path / "whole", "reports", "students", "pairs/*/*/*/masks")
    home = tmp_path / "home"
    client.succeed("push", "pairs", "tiny", "ada/tiny", "--home", str(whole))
    client.succeed("push", "teacher", "fm-tiny", "ada/teacher", "--home", str(whole))
    client.succeed("pull", "pairs", "ada/tiny", "--home", str(home))
    client.succeed("pull", "teacher", "ada/teacher", "--home", str(home))
    client.succeed("run", "tiny", "--direct", "--device", "cpu", "--home", str(home))
    assert_equal(*(digests_of(each / "students") for each in (home, finished.path)))


def data_of(home: Path) -> dict[str, str]:
    left = ("card.md", "pairs.png")
    found = digests_of(home / "pairs")
    return {name: each for name, each in found.items() if not name.endswith(left)}
