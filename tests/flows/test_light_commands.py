"""What only looks at a home does not wait for torch."""

import subprocess
import sys

import pytest
from conftest import Finished

HEAVY = ("torch", "prefect", "matplotlib", "scipy.stats", "sklearn", "webdataset", "zarr")
PROGRAM = f"""
import sys
from flows.cli import app
app(sys.argv[1:], standalone_mode=False)
assert not set(sys.modules) & {set(HEAVY)!r}, set(sys.modules) & {set(HEAVY)!r}
"""


@pytest.mark.parametrize(
    "words",
    [["ls"], ["show"], ["pairs", "ls"], ["rm", "reports/tiny", "--yes"], ["-h"], ["run", "-h"]],
    ids=" ".join,
)
def test_a_command_that_only_looks_imports_nothing_heavy(
    words: list[str], finished: Finished, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = finished.copy(tmp_path_factory.mktemp("light") / "home")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={"KDM_HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
