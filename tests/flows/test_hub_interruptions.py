"""A stopped push or pull goes on with the same command, and sends nothing again that has arrived."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SPEC, filled_store
from faults.digests import assert_equal, digests_of
from hub_commands import kdm, only, refused
from loopback_hub import Fault, Hub

from flows.hub.push import push
from flows.hub.set_cargo import set_cargo
from kdm.hub.hub_address import HubAddress
from kdm.hub.offer import look
from kdm.hub.pull import pull
from kdm.hub.repository import Repository
from storage.digest import digest_of, short
from storage.folders import Folder, folder_at

NAME = f"points-{short(digest_of(SPEC))}"
ADDRESS = HubAddress.of("pairs", "ada/points")


class InterruptedHere(Exception):
    """As a signal between two files."""


@pytest.fixture
def points(tmp_path: Path) -> Folder:
    return filled_store(folder_at(str(tmp_path / "mine" / "pairs" / NAME)), 1024).folder


def stopping(at: int) -> Callable[[int, int], None]:
    """A report of progress that interrupts its work at a count of files, or of bytes."""

    def report(done: int, _total: int) -> None:
        if done >= at:
            raise InterruptedHere

    return report


def send(points: Folder, report: Callable[[int, int], None] = lambda *_: None) -> None:
    cargo = set_cargo(points, ADDRESS, is_unmasked=False, has_view=False)
    push(cargo, Repository(ADDRESS), is_public=False, report=report)


@pytest.mark.parametrize("files", [1, 4, 9])
def test_a_stopped_push_goes_on_where_it_was(
    files: int, hub: Hub, points: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.hub.push._FILES_A_COMMIT", 2)
    monkeypatch.setattr("flows.hub.push._FILES_AT_ONCE", 1)
    with pytest.raises(InterruptedHere):
        send(points, stopping(files))
    send(points)
    assert set(hub.arrived.values()) == {1}
    assert len([path for path in hub.files("ada/points", "datasets") if path[:5] == "train"]) == 9


def test_a_push_whose_answer_was_lost_is_found_done(hub: Hub, points: Folder) -> None:
    hub.faults["POST", "/commit/"] = Fault(cut=True, after=True)
    home = Path(points.url).parents[1]
    said = refused("push", "pairs", NAME, "ada/points", home=home)
    assert "run the same command again: what has arrived is not sent again" in said
    hub.faults.clear()
    assert "sent 0 files" in kdm("push", "pairs", NAME, "ada/points", home=home)
    assert set(hub.arrived.values()) == {1}


def test_a_stopped_pull_brings_each_byte_once(hub: Hub, points: Folder, tmp_path: Path) -> None:
    send(points)
    sizes = {path: len(data) for path, data in hub.files("ada/points", "datasets").items()}
    home = folder_at(str(tmp_path / "theirs"))
    for share in (1, 3):
        with pytest.raises(InterruptedHere):
            pull(look(ADDRESS), home, report=stopping(share * sum(sizes.values()) // 5))
        assert not list((tmp_path / "theirs" / "pairs").glob("[!.]*"))
    pull(look(ADDRESS), home)
    assert {p: n for p, n in hub.served.items() if p[:5] == "train"} == {
        path: size for path, size in sizes.items() if path[:5] == "train"
    }
    assert_equal(*(data_of(only(tmp_path / each / "pairs")) for each in ("theirs", "mine")))


def test_a_connection_that_is_cut_goes_on_at_its_byte(
    hub: Hub, points: Folder, tmp_path: Path
) -> None:
    send(points)
    begun = len(hub.requests)
    hub.faults |= {begun + number: Fault(cut=True) for number in range(4, 14)}
    pull(look(ADDRESS), folder_at(str(tmp_path / "theirs")))
    files = hub.files("ada/points", "datasets")
    served = {path: hub.served[path] for path in files if path[:5] == "train"}
    assert served == {path: len(files[path]) for path in served}
    assert len(hub.requests) - begun > len(served) + 10


def data_of(folder: Path) -> dict[str, str]:
    return {name: each for name, each in digests_of(folder).items() if name != "card.md"}
