"""What a user types at the command line, and what they are told."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import Finished
from faults.commands import finish, start, trainings, wait_until_alone
from faults.digests import assert_equal, digests_of
from faults.here import without_galleries
from local_prefect import BIN, wait_for
from typer.testing import CliRunner

from flows import cli
from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe_files import recipe_names
from flows.exit import Stopped, TrainingFailedError
from kdm.evaluate.draw import fresh_noise
from kdm.export import load_student
from storage.errors import DamageError
from storage.records import PairSchema

KDM = str(BIN / "kdm")
HELP_SECONDS = 0.5


def kdm(*words: str) -> str:
    """What the command says in this process, where it must end well."""
    ended = CliRunner().invoke(app, list(words))
    assert ended.exit_code == 0, ended.output
    return ended.output


def refused(*words: str) -> str:
    """The sentence of the user's error that the command ends with in this process."""
    error = CliRunner().invoke(app, list(words)).exception
    assert isinstance(error, ValueError)
    return str(error)


def thing(home: Path, kind: str) -> Path:
    (found,) = [each for each in (home / kind).iterdir() if len(each.name.split("-")[-1]) == 12]
    return found


def test_help_names_every_command_within_half_a_second() -> None:
    def seconds() -> float:
        before = os.times()
        said = subprocess.run([KDM, "--help"], capture_output=True, text=True, check=True).stdout
        assert "generate-pairs" in said
        after = os.times()
        # CPU time of the child: the wall of a busy machine says nothing of the command.
        return sum(after[2:4]) - sum(before[2:4])

    assert min(seconds() for _ in range(3)) < HELP_SECONDS


@pytest.mark.parametrize(
    "group", [[], ["pairs"], ["student"], ["study"], ["study", "human"], ["privacy"]]
)
def test_no_line_about_a_command_is_cut(group: list[str]) -> None:
    _, commands = kdm(*group, "--help").split("Commands:\n")
    lines = commands.splitlines()
    assert len(lines) >= 2
    assert [line for line in lines if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "tinny"], "no recipe 'tinny'; did you mean 'tiny'?"),
        (["run", "tiny", "--set", "pairs.trian=5"], "unknown key 'trian'; did you mean 'train'?"),
        (["run", "tiny", "--direct", "--until", "distil"], "no stage 'distil'"),
        (["distill", "tiny", "--direct", "--student", "kmd"], "has no student 'kmd'"),
        (["run", "tiny", "--device", "gpu"], "no device 'gpu'"),
        (["sample", "kdm"], "has no 'kdm'"),
        (["pairs", "verify", "tiny"], "has no 'tiny'"),
        (["pairs", "import", "no.npy", "--train", "5"], "write rows as FIRST:END"),
        (["rm", "tiny"], "has no 'tiny'"),
    ],
)
def test_a_users_error_is_one_sentence_that_says_what_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.setenv("KDM_HOME", str(tmp_path))
    assert sentence in refused(*words)
    assert not list(tmp_path.iterdir())


def test_a_users_error_ends_with_exit_code_2_and_no_trace(tmp_path: Path) -> None:
    words = [KDM, "run", "tiny", "--set", "pairs.trian=5", "--home", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1


def test_what_show_prints_is_the_same_recipe_again(tmp_path: Path) -> None:
    assert all(name in kdm("show") for name in recipe_names())
    (tmp_path / "again.yaml").write_text(kdm("show", "tiny", "--count", "3000"))
    again = load_recipe(str(tmp_path / "again.yaml"))
    assert again.digest() == load_recipe("tiny", count=3000).digest()
    assert json.loads(kdm("show", "tiny", "--json")) == load_recipe("tiny").document()


def test_ls_lists_counts_numbers_and_sizes(finished: Finished) -> None:
    said = kdm("ls", "--home", str(finished.path))
    assert "2,048" in said
    assert "in_cells" in said
    for kind in ("teachers", "pairs", "students", "reports"):
        assert f"  {thing(finished.path, kind).name}  " in said


def test_what_others_rest_on_is_removed_by_force_alone(finished: Finished, tmp_path: Path) -> None:
    home = finished.copy(tmp_path / "home")
    kinds = ("teachers", "pairs", "students")
    _, pairs, student = (thing(home, kind) for kind in kinds)
    at = ("--home", str(home))
    assert f"students/{student.name}" in refused("rm", pairs.name, "--yes", *at)
    assert f"pairs/{pairs.name}" in refused("rm", "fm-tiny", "--yes", *at)
    assert CliRunner().invoke(app, ["rm", "kdm", *at], input="n\n").exit_code == 1
    assert student.exists()
    kdm("rm", "kdm", "--yes", *at)
    kdm("rm", pairs.name, "--yes", *at)
    kdm("rm", "fm-tiny", "--yes", "--force", *at)
    assert not [each for kind in kinds for each in (home / kind).iterdir()]


def best_samples(student: Path) -> bytes:
    """What eight samples of its best weights are."""
    x_T, _ = fresh_noise(PairSchema(shape=(2,)), seed=0, count=8)
    best, file = load_student(str(student), weights="best"), io.BytesIO()
    np.save(file, best.generate(torch.from_numpy(x_T)))
    return file.getvalue()


def test_samples_depend_on_the_seed_alone(finished: Finished, tmp_path: Path) -> None:
    def sample(name: str, *more: str) -> bytes:
        out = tmp_path / name
        kdm("sample", "kdm", "-n", "8", "--home", str(finished.path), "--out", str(out), *more)
        return out.read_bytes()

    first = sample("first.npy")
    assert sample("again.npy") == first
    assert sample("other.npy", "--seed", "1") != first
    assert np.load(tmp_path / "first.npy").shape == (8, 2)
    assert sample("first.png").startswith(b"\x89PNG")
    assert sample("best.npy", "--best") == best_samples(thing(finished.path, "students"))
    printed = kdm("sample", "kdm", "-n", "8", "--home", str(finished.path))
    assert np.allclose(np.loadtxt(printed.splitlines()), np.load(tmp_path / "first.npy"), atol=1e-4)


def test_verify_finds_a_flipped_bit_by_name(finished: Finished, tmp_path: Path) -> None:
    home = finished.copy(tmp_path / "home")
    assert "8 shards sound" in kdm("pairs", "verify", "tiny", "--home", str(home))
    shard = sorted(home.glob("pairs/*/train/*/shards/*.tar"))[3]
    data = bytearray(shard.read_bytes())
    data[2000] ^= 1
    shard.write_bytes(data)
    ended = CliRunner().invoke(app, ["pairs", "verify", "tiny", "--home", str(home)])
    assert ended.exit_code == 1
    assert shard.name in ended.output


def test_pairs_show_prints_spec_and_splits(finished: Finished) -> None:
    shown = yaml.safe_load(kdm("pairs", "show", "tiny", "--home", str(finished.path)))
    assert shown["spec"]["sampler"] == {"num_steps": 4, "plugin": "midpoint", "version": 1}
    assert shown["splits"]["train/wds-256"]["shards"] == 8


def test_import_stores_published_pairs_as_the_recipe_finds_them(
    tmp_path: Path,
) -> None:
    source, draw = tmp_path / "pairs.npy", np.random.RandomState(0)
    noise, data = draw.standard_normal((50_000, 2)), draw.uniform(-4.4, 4.4, (50_000, 2))
    np.save(source, np.stack([noise, data]).astype(np.float32))
    at = ("--home", str(tmp_path))
    assert "45,000 train, 5,000 heldout" in kdm("pairs", "import", str(source), *at)
    setting = f"pairs.source={source}"
    kdm("generate-pairs", "checkerboard-import", "--direct", "--set", setting, *at)
    assert len(list((tmp_path / "pairs").iterdir())) == 1


def test_eval_report_without_a_recipe_evaluates_what_has_no_current_report(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_galleries(monkeypatch)
    home = finished.copy(tmp_path / "home", "students/*/metrics.json", "reports/*/report.html")
    said = kdm("eval-report", "--direct", "--home", str(home))
    assert f"report: {thing(home, 'reports')}/report.html" in said
    assert_equal(digests_of(home), finished.digests)
    empty = kdm("eval-report", "--home", str(tmp_path / "empty"))
    assert not (tmp_path / "empty").exists()
    assert "begin with 'kdm run'" in empty


def test_doctor_finds_this_environment_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path / "weights"))
    said = kdm("doctor", "--home", str(tmp_path / "home"))
    assert "as everywhere" in said
    assert "vgg16-397923af.pth" in said
    assert not (tmp_path / "home").exists()


def test_doctor_refuses_weights_that_are_not_what_their_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg16-397923af.pth").write_bytes(b"something else")
    ended = CliRunner().invoke(app, ["doctor", "--home", str(tmp_path / "home")])
    assert ended.exit_code == 1
    assert "not what its name says" in ended.output


def test_doctor_finds_settings_that_a_variable_hides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text('hme = "/data"')
    ended = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path / "home")])
    assert ended.exit_code == 1
    assert "unknown key 'hme'" in ended.stdout


def test_ctrl_c_ends_training_after_a_checkpoint_and_the_command_says_so(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "teachers", "pairs", "students", "reports")
    long = ["--set", "teacher.training.num_steps=100000", "--home", str(home)]
    running = start([KDM, "train-teacher", "tiny", "--direct", "--device", "cpu", *long])
    wait_for(lambda: bool(list(home.glob("teachers/*/checkpoints/*.json"))), seconds=60)
    before = time.monotonic()
    running.send_signal(signal.SIGINT)
    ended = finish(running)
    assert ended.code == 128 + signal.SIGINT
    assert "the same command resumes" in ended.said
    assert time.monotonic() - before < 20
    wait_until_alone(home)
    assert trainings(home) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["rm", "nothing"], 2),
        (["ls", "--nothing"], 2),
        (["rm", "fm-tiny", "--force"], 1),  # without an answer it isn't removed
        (["show", "tiny", "--set", ""], 2),
    ],
)
def test_a_command_ends_with_the_documented_exit_code(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["kdm", *words])
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(cli, "stop_on_signals", lambda: None)
    monkeypatch.setenv("KDM_HOME", str(finished.path))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code or 0) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TrainingFailedError("ended"), 1),
        (PermissionError(13, "denied", "x"), 1),
        (DamageError("x"), 2),
        (ValueError("x"), 2),
        (Stopped(128 + signal.SIGTERM), 143),
    ],
)
def test_an_error_ends_with_the_documented_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["kdm"])
    monkeypatch.setattr(cli, "stop_on_signals", lambda: None)
    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code


def test_output_that_nobody_reads_any_more_is_not_a_bad_answer() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = subprocess.run([KDM, "--version"], stdout=writes, stderr=subprocess.PIPE, check=False)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


def test_the_page_names_every_exit_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    _, table = page.split("## Exit codes\n")
    assert re.findall(r"^\| (\d[\d +N]*) \|", table, re.MULTILINE) == ["0", "1", "2", "128 + N"]


def test_the_version_is_that_of_the_installed_package() -> None:
    assert kdm("--version") == f"{version('kdm-offline')}\n"
