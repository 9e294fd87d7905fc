"""A newcomer who types the README's commands, in its order, in an empty folder, sees each succeed."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BIN = Path(sys.executable).parent
ACTIVATE = ". .venv/bin/activate"  # here PATH begins with the environment of the tests


def shell_lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line != ACTIVATE]


def test_every_command_of_the_readme_works_as_written_in_the_order_of_the_page(
    tmp_path: Path,
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KDM_")}
    ended = subprocess.run(
        ["bash", "-c", "\n".join(["set -ex", *shell_lines()])],  # -x shows which one fails
        cwd=tmp_path,
        env={**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert ended.stderr.count(" cached") >= 6  # the second `kdm run tiny`
    assert (tmp_path / "samples.npy").stat().st_size > 2 * 4 * 1000
    assert list((tmp_path / "tars").glob("train-*.tar"))
    assert len(list((tmp_path / "tiny-home" / "students").iterdir())) == 2
    assert (tmp_path / "mine.yaml").read_text().startswith("name: tiny")
