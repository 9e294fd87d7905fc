"""The settings: what their file may say, what comes before it, and what `kdm config` prints."""

import json
from pathlib import Path

import pytest
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app
from flows.home import home_folder
from flows.settings import Settings, settings, settings_file
from flows.stages.tracking import with_usual_trackers
from kdm.trackers.tensorboard import TensorBoard
from kdm.training.options import TrainingOptions


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("KDM_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "settings" / "kdm").mkdir(parents=True)
    return tmp_path / "settings" / "kdm" / "config.toml"


def shown() -> dict[str, tuple[object, str]]:
    found = json.loads(CliRunner().invoke(app, ["config", "--json"]).stdout)
    return {name: (each["value"], each["from"]) for name, each in found["settings"].items()}


def test_an_option_comes_before_the_environment_the_file_and_the_default(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    homes = [home_folder().url]
    file.write_text(f'home = "{tmp_path}/of-file"')
    homes.append(home_folder().url)
    monkeypatch.setenv("KDM_HOME", str(tmp_path / "of-environment"))
    homes.append(home_folder().url)
    homes.append(
        json.loads(CliRunner().invoke(app, ["ls", "--json", "--home", "named"]).stdout)["home"]
    )
    homes.append(json.loads(CliRunner().invoke(app, ["ls", "--json"]).stdout)["home"])
    monkeypatch.delenv("KDM_HOME")
    homes.append(json.loads(CliRunner().invoke(app, ["ls", "--json"]).stdout)["home"])
    names = [Path(each).relative_to(tmp_path).name for each in homes]
    assert names == [
        *("kdm-home", "of-file", "of-environment"),
        *("named", "of-environment", "of-file"),
    ]


def test_config_says_where_each_setting_comes_from(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown() == {"home": ("./kdm-home", "default"), "trackers": (None, "default")}
    file.write_text('home = "~/kdm"\ntrackers = []\n')
    assert shown() == {"home": ("~/kdm", "file"), "trackers": ([], "file")}
    monkeypatch.setenv("KDM_HOME", "s3://bucket/kdm")
    assert shown()["home"] == ("s3://bucket/kdm", "environment")
    said = CliRunner().invoke(app, ["config"]).stdout
    assert said.startswith(f"{file}\n")
    assert "none" in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('hme = "/data"', "unknown key 'hme'; did you mean 'home'?"),
        ("[home]\npath = '/data'", "home is {'path': '/data'}; give a URL or a full path"),
        ('home = "data"', "home is 'data'; give a URL or a full path"),
        ('home = "s3://me:secret-word@bucket/kdm"', "is an address with a user, a password"),
        ('trackers = "tensorboard"', "give names, as ['tensorboard'], or []"),
        ('trackers = ["tensorbord"]', "no tracker 'tensorbord'; did you mean 'tensorboard'?"),
        ('trackers = [{plugin = "mlflow"}]', "give names, as ['tensorboard'], or []"),
        (
            'trackers = ["tensorboard", "tensorboard"]',
            "tracker 'tensorboard' is given 2 times; give it once",
        ),
        ("home = ", "isn't TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_sentence(
    file: Path, text: str, told: str
) -> None:
    file.write_text(text)
    error = CliRunner().invoke(app, ["config"]).exception
    assert isinstance(error, ValueError)
    assert str(file) in str(error)
    assert told in str(error)
    assert "secret-word" not in str(error)


def test_another_file_can_be_named_and_must_then_be_there(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('home = "/of-the-usual-file"')
    monkeypatch.setenv("KDM_CONFIG", str(tmp_path / "other.toml"))
    with pytest.raises(ValueError, match=r"other\.toml can't be read as settings \(no such file"):
        settings()
    monkeypatch.setenv("KDM_CONFIG", str(tmp_path))
    with pytest.raises(ValueError, match=r"is a directory\); let \$KDM_CONFIG name a file"):
        settings()
    monkeypatch.setenv("KDM_CONFIG", str(tmp_path / "other.toml"))
    (tmp_path / "other.toml").write_text('home = "/of-another"')
    assert settings() == Settings(home="/of-another")


def test_a_relative_folder_of_settings_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDM_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", "settings")
    assert settings_file() == Path("~/.config/kdm/config.toml").expanduser()


def test_trainings_that_name_no_trackers_take_those_of_the_settings(file: Path) -> None:
    plain, without = TrainingOptions(), TrainingOptions(trackers=())
    assert with_usual_trackers(plain) is plain
    file.write_text('trackers = ["tensorboard"]')
    assert with_usual_trackers(plain).trackers == (TensorBoard(),)
    assert with_usual_trackers(without).trackers == ()
    file.write_text("trackers = []")
    assert with_usual_trackers(plain).trackers == ()


def test_a_finished_run_stays_cached_with_other_trackers(file: Path, finished: Finished) -> None:
    file.write_text(f'home = "{finished.path}"\ntrackers = ["tensorboard"]')
    ended = CliRunner().invoke(app, ["run", "tiny", "--direct", "--json", "--device", "cpu"])
    assert {each["state"] for each in json.loads(ended.stdout)["stages"]} == {"cached"}


@pytest.mark.parametrize(
    "words",
    [
        *(["ls"], ["doctor"], ["prune"], ["rm", "x"], ["sample", "kdm"], ["leaderboard", "tiny"]),
        *(["run", "tiny", "--dry-run"], ["pairs", "verify", "tiny"], ["pull", "pairs", "a/b"]),
    ],
    ids=" ".join,
)
def test_a_home_that_is_a_file_is_refused_before_anything_else(
    words: list[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.write_text("no folder")
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code
    said = ended.output + ended.stderr
    assert f"{home} is a file; name a folder" in (said or str(ended.exception)), said
    assert home.read_text() == "no folder"
