"""What cannot end well leaves nothing behind, and a set goes by its own name alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app

DROP = "pairs.drop_at_write=[{{filter: {{plugin: near-copy}}, threshold: {}}}]"
Kdm = Callable[..., Result]


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home", "students", "reports")


@pytest.fixture
def kdm(home: Path) -> Kdm:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def names(home: Path) -> list[str]:
    return sorted(place.name for place in (home / "pairs").iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--precision", "tf32"), "pairs.precision is 'tf32', which"),
        (("--set", DROP.format(1000)), "rejects each of the first 2,048 train pairs (near-copy: 2"),
    ],
)
def test_pairs_that_cannot_be_made_leave_no_set_behind(
    home: Path, kdm: Kdm, words: tuple[str, ...], says: str
) -> None:
    before = names(home)
    ended = kdm("generate-pairs", "tiny", "--direct", "--device", "cpu", *words)
    assert says in str(ended.exception)
    assert names(home) == before


def test_shards_of_which_nothing_is_kept_are_written_once_a_later_one_has_a_pair(
    home: Path, kdm: Kdm
) -> None:
    words = ("generate-pairs", "tiny", "--direct", "--device", "cpu", "--layout", "wds-64")
    assert kdm(*words, "--set", DROP.format(2)).exit_code == 0
    (made,) = (home / "pairs").glob("*/train/wds-64/records")
    kept = [json.loads(path.read_text())["kept"] for path in sorted(made.iterdir())]
    assert (len(kept), kept[0], kept[1] > 0) == (32, 0, True)


@pytest.mark.parametrize(
    "command",
    ["pairs show", "pairs export", "pairs convert", "pairs spot-check", "distill", "evaluate"],
)
def test_a_set_under_the_digest_of_another_is_refused_by_every_command(
    home: Path, kdm: Kdm, command: str
) -> None:
    (name,) = names(home)
    digest = name.rpartition("-")[2]
    shutil.move(home / "pairs" / name, home / "pairs/tiny-0123456789ab")
    more = {
        "pairs export": ("tiny", str(home / "out"), "--to", "per-sample"),
        "pairs convert": ("tiny", "--to", "zarr-64"),
        "distill": ("tiny", "--pairs", "tiny", "--direct"),
        "evaluate": ("tiny", "--pairs", str(home / "pairs/tiny-0123456789ab"), "--direct"),
    }
    ended = kdm(*command.split(), *more.get(command, ("tiny",)))
    assert f"is that of the set {digest}…, and the folder's name is another's" in str(
        ended.exception
    )
    assert f"call it tiny-{digest}, or restore its own files" in str(ended.exception)


def test_verify_and_ls_tell_of_a_set_under_the_digest_of_another(home: Path, kdm: Kdm) -> None:
    shutil.move(home / "pairs" / names(home)[0], home / "pairs/tiny-0123456789ab")
    assert "the folder's name is another's" in kdm("pairs", "verify", "tiny").output
    assert "damaged: see 'kdm pairs verify'" in kdm("ls").output
