"""What every page shows works when it is typed, in the page's order (`page_readers`)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import KDM, succeed
from hub_commands import hub_of_this_process
from page_blocks import shell_lines
from page_readers import Place, pages_of_the_trial, prepare, read_page, short_recipe, typed

pytestmark = pytest.mark.trials
# Their blocks of Python import libraries that `make setup` leaves out: `make peers-test` runs them too.
WITH_PEERS = {"exported.md": "onnxruntime", "hub.md": "datasets"}
SEEN = {
    "care.md": "sound (bytes, digests)",
    "clusters.md": "train/wds-256",
    "leaderboard.md": "paired",
    "recipes.md": "cached",
}


@pytest.fixture(scope="module")
def ran(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which `tiny` and a short `digits` have run, and the reader's files."""
    folder = tmp_path_factory.mktemp("ran")
    place = Place(folder, "")
    finished.copy(place.home)
    recipe = short_recipe(folder)
    succeed([KDM, "run", str(recipe), "--direct", "--home", str(place.home)])
    prepare(place)
    at = ("--home", str(place.home))
    succeed([KDM, "study", str(folder / "few.yaml"), "--on", "tiny", *at])
    succeed([KDM, "distill", str(folder / "straight.yaml"), "--direct", *at])
    zarr = finished.copy(
        folder / "zarr"
    )  # a home of its own: a set in two layouts has two first ones
    succeed([KDM, "pairs", "convert", "tiny", "--to", "zarr-64", "--home", str(zarr)])
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[None]:
    with hub_of_this_process(tmp_path):
        yield


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page, marks=[pytest.mark.peers] if page.name in WITH_PEERS else [], id=page.name
        )
        for page in pages_of_the_trial()
    ],
)
def test_what_a_page_shows_works(
    page: Path,
    ran: Path,
    finished: Finished,
    tmp_path: Path,
    s3: str,
    hub: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if page.name in WITH_PEERS:
        pytest.importorskip(WITH_PEERS[page.name])
    place = Place(tmp_path / "reader", s3)
    shutil.copytree(ran, place.folder)
    if not shell_lines(page):  # its Python takes the first set of the home
        shutil.rmtree(place.home)
        finished.copy(place.home)
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("KDM_HOME", str(place.home))
    said = "\n".join(read_page(page, place))
    assert SEEN.get(page.name, "") in said


def test_the_readers_words_stand_for_the_pages_own(ran: Path) -> None:
    place = Place(ran, "s3://b")
    assert typed("kdm distill cifar10 --student kdm --pairs PAIRS", place, "students.md") == (
        "kdm distill digits.yaml --direct --student kdm --pairs digits"
    )
    assert typed("kdm run checkerboard --home s3://bucket/kdm", place, "remote.md") == (
        "kdm run tiny --direct --home s3://b/remote"
    )
