"""A child takes over neither the rank of an outer launcher nor modules of the current folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shared_steps import job

from kdm.training import ranks
from kdm.training.__main__ import main
from kdm.training.child_environment import child_environment
from storage.folders import Folder

OUTER = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "127.0.0.1",
    "PET_NNODES": "2",
    "TORCHELASTIC_RUN_ID": "none",
    "OMPI_COMM_WORLD_SIZE": "2",
    "SLURM_PROCID": "0",
}


def test_a_child_is_nobodys_rank_and_keeps_the_rest() -> None:
    kept = child_environment({**OUTER, "PATH": "/bin", "LOCAL_DATA": "/data", "HF_HOME": "/h"})
    assert kept == {"PATH": "/bin", "LOCAL_DATA": "/data", "HF_HOME": "/h", "PYTHONSAFEPATH": "1"}


@pytest.mark.parametrize("entries", ["", ":/more", ".:/more", "/more::", "{here}:/more"])
def test_a_child_imports_nothing_from_where_the_command_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: str
) -> None:
    for name in ("random.py", "torch.py", "kdm/__init__.py", "kdm/training/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    path = entries.format(here=tmp_path)
    environment = child_environment({**os.environ, "PYTHONPATH": path})
    code = "import random, json, sys; print(sys.path)"
    for words in (["-c", code], ["-m", "kdm.training"]):
        ended = subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
        )
        assert "mine" not in ended.stderr
        assert str(tmp_path) not in ended.stdout
    assert "/more" in environment["PYTHONPATH"] or not path


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is 2 but RANK and MASTER_ADDR and MASTER_PORT not set"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'; torchrun sets it to a number"),
    ],
)
def test_half_a_launcher_is_refused_before_it_is_waited_for(
    home: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: dict[str, str],
    sentence: str,
) -> None:
    assert sentence in _refusal(home, monkeypatch, capsys, told)


def test_ranks_that_do_not_come_are_waited_for_with_a_bound(
    home: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ranks, "SECONDS_TO_ARRIVE", 1)
    told = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    said = _refusal(home, monkeypatch, capsys, told)
    assert "not all of the 2 ranks arrived at 127.0.0.1:0 within 1 s" in said


def _refusal(
    home: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: dict[str, str],
) -> str:
    for name in OUTER:
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    home.replace("job.json", json.dumps(job(home, "alone")).encode())
    assert main([f"{home.url}/job.json"]) in (2, 3)
    return capsys.readouterr().err
