"""Samplers of the digits teacher: half of Heun's evaluations are enough (`make trials`; ten minutes)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.trials

MOST = 18  # evaluations that must be enough for the error of Heun's method in 35


def test_eighteen_evaluations_reach_the_error_of_heuns_thirty_five(tmp_path: Path) -> None:
    home = Path(os.environ.get("KDM_TRIALS_HOME", tmp_path)) / "digits"
    command = [str(Path(sys.executable).parent / "kdm"), "teacher", "samplers", "digits"]
    subprocess.run([*command, "-n", "256", "--home", str(home)], check=True)
    kept = max(home.glob("teachers/edm-digits-*/samplers/*/samplers.json"), key=os.path.getmtime)
    rows = json.loads(kept.read_text())["rows"]
    (heun,) = (each for each in rows if (each["sampler"], each["evaluations"]) == ("edm-heun", 35))
    enough = [each for each in rows if each["error"] <= heun["error"]]
    assert {"abm-3", "dpm-3m", "unipc-3"} <= {
        each["sampler"] for each in enough if each["evaluations"] <= MOST
    }
