"""The command imports nothing from where it was started, even where PYTHONPATH names that folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("entries", ["", ":/more", "."])
def test_the_command_imports_nothing_from_where_it_was_started(
    tmp_path: Path, entries: str
) -> None:
    for name in ("random.py", "torch.py", "typer.py", "kdm/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('mine')")
    ended = subprocess.run(
        [Path(sys.executable).with_name("kdm"), "show", "tiny"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": entries},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "fm-tiny" in ended.stdout
