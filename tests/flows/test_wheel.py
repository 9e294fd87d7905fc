"""What pip installs is whole: a wheel holds every file of the packages, and works in an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("storage", "kdm", "pairgen", "flows")
PROGRAM = """
from importlib.resources import files
import flows, sys
assert flows.__file__.startswith(sys.argv.pop()), flows.__file__
assert "generate_pairs" in (files("flows") / "prefect.yaml").read_text()
from flows.start import main
main()
"""


def built(place: Path) -> zipfile.ZipFile:
    """A wheel of a copy of the sources, by the installed setuptools."""
    copy, wheels = place / "sources", place / "wheels"
    for each in PACKAGES:
        shutil.copytree(ROOT / each, copy / each, ignore=shutil.ignore_patterns("__pycache__"))
    for each in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, copy / each)
    words = ["--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(wheels), str(copy)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *words], check=True)
    return zipfile.ZipFile(next(wheels.glob("*.whl")))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    with built(place) as wheel:
        wheel.extractall(place / "installed")
    return place / "installed"


def files_below(place: Path) -> set[str]:
    found = {each.relative_to(place) for name in PACKAGES for each in (place / name).rglob("*.*")}
    return {str(each) for each in found if "__pycache__" not in each.parts}


def test_a_wheel_holds_every_file_of_the_packages(installed: Path) -> None:
    assert files_below(installed) == files_below(ROOT)


def test_the_command_works_from_a_wheel_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, "show", "tiny", str(installed)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "fm-tiny" in ended.stdout
    assert os.listdir(tmp_path) == []
