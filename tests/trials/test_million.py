"""A million pairs: time, memory, bytes, and what five kills change."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.trials


def test_a_million_pairs_are_made_killed_verified_and_read_within_the_bars() -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "benchmarks", "scale"], cwd=root, check=True)
