"""A wheel of the sources, installed without its dependencies into an environment that borrows the suite's."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("storage", "kdm", "pairgen", "flows")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def built(place: Path) -> Path:
    """The wheel of a copy of the sources, by the installed setuptools."""
    copy, wheels = place / "sources", place / "wheels"
    for each in PACKAGES:
        shutil.copytree(ROOT / each, copy / each, ignore=shutil.ignore_patterns("__pycache__"))
    for each in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, copy / each)
    wheels.mkdir()
    subprocess.run(
        [sys.executable, "-c", BUILD, str(wheels)],
        cwd=copy,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return next(wheels.glob("*.whl"))


def installed(place: Path) -> Path:
    """The Python of a new environment with the wheel, and all that the suite's Python has beside it."""
    wheel = built(place)
    venv.create(place / "env", with_pip=False)
    python = place / "env" / "bin" / "python"
    words = ["--no-deps", "--no-index", "--no-compile", "-q", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *words, str(wheel)]
    subprocess.run(pip, check=True)
    (site_of(python) / "suite.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def site_of(python: Path) -> Path:
    """Its folder of packages."""
    return next((python.parents[1] / "lib").glob("python*/site-packages"))


def run_outside(python: Path, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` in a folder, and see only what is installed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "KDM_HOME")
    }
    return subprocess.run(
        [str(python), *words],
        cwd=place,
        env={**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
