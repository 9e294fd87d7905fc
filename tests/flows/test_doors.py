"""Every door that takes a place: a URL with a slip, or a home folder of nobody, is one sentence."""

import os
from pathlib import Path

import pytest
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app
from kdm.datasets.source import source_path
from kdm.pretrained import weights_folder
from pairgen.checkpoints.build_presets import preset_named
from storage.reading.cache import ShardCache

SLIP, NOBODY = "s3:/bucket/x", "~nobody-here/x"
DOORS = {
    "--home": ("ls", "--home", "PLACE"),
    "recipe": ("show", "PLACE.yaml"),
    "--pairs": ("distill", "tiny", "--direct", "--pairs", "PLACE"),
    "--teacher": ("generate-pairs", "tiny", "--direct", "--teacher", "PLACE"),
    "--source": ("pairs", "repair", "tiny", "--source", "PLACE"),
    "set": ("pairs", "show", "PLACE"),
    "import": ("pairs", "import", "PLACE"),
    "export": ("pairs", "export", "tiny", "PLACE", "--to", "per-sample"),
    "golden": ("teacher", "check", "PLACE.npz"),
    "student golden": ("student", "check", "PLACE.npz"),
    "checkpoint": ("teacher", "import", "PLACE.pt"),
    "--out": ("sample", "kdm", "--out", "PLACE.npy"),
}


@pytest.mark.parametrize(
    ("place", "says"), [(SLIP, "begins with 's3:/', which"), (NOBODY, "no user 'nobody-here'")]
)
@pytest.mark.parametrize("door", DOORS)
def test_a_place_that_cannot_be_is_a_sentence_at_every_door(
    finished: Finished, door: str, place: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_HOME", str(finished.path))
    ended = CliRunner().invoke(app, [word.replace("PLACE", place) for word in DOORS[door]])
    assert isinstance(ended.exception, ValueError)
    assert says in str(ended.exception)


@pytest.mark.parametrize("door", ["golden", "student golden", "checkpoint", "student", "answers"])
def test_what_stands_in_the_place_of_a_file_is_told_as_it_is(door: str, tmp_path: Path) -> None:
    doors = DOORS | {
        "student": ("student", "import", "PLACE.pt"),
        "answers": ("study", "human", "score", "PLACE.json"),
    }
    words = [word.replace("PLACE", str(tmp_path / "x")) for word in doors[door]]
    file = Path(next(word for word in words if word.startswith(str(tmp_path))))
    for make, remove, says in (
        (os.mkdir, os.rmdir, "is a folder, not a file"),
        (os.mkfifo, os.unlink, "is not a regular file"),
    ):
        make(file)
        ended = CliRunner().invoke(app, words)
        remove(file)
        assert isinstance(ended.exception, ValueError)
        assert says in str(ended.exception)


@pytest.mark.parametrize("place", [SLIP, NOBODY])
def test_folders_that_the_environment_names_are_looked_at_likewise(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KDM_WEIGHTS", "KDM_CACHE", "KDM_DATA"):
        monkeypatch.setenv(name, place)
    for looked_at in (
        weights_folder,
        ShardCache.default,
        lambda: source_path("x", option="dataset.source"),
        lambda: preset_named(f"{place}.yaml"),
    ):
        with pytest.raises(ValueError, match=r"doesn't begin a URL|no user 'nobody-here'"):
            looked_at()


def test_a_tilde_is_the_home_folder_for_data_and_recipes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data.zip").touch()
    assert source_path("~/data.zip", option="dataset.source") == tmp_path / "data.zip"
