"""What CONTRIBUTING shows, and a filter of quality, pass the contracts as packages of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from installed_packages import install

ROOT = Path(__file__).parents[2]
FAR_OFF = '''
import numpy as np
from pairgen.filters.filter import Filter, FittedFilter


class FarOff(Filter):
    """Drops what lies farther from the mean of the real samples than they do."""

    plugin = "far-off"

    def fit(self, reference):
        return FittedFarOff(reference.mean(axis=0))

    def decide(self, scores, threshold):
        keep = scores <= threshold
        return keep, np.where(keep, "", "far-off")


class FittedFarOff(FittedFilter):
    def __init__(self, mean):
        self.mean = mean

    def score(self, pairs):
        return self.distances(pairs.x_0)

    def calibrate(self, heldout, fpr):
        farthest = np.sort(self.distances(heldout))[::-1]
        return float(farthest[int(np.floor(fpr * len(farthest)))])

    def distances(self, samples):
        return np.sqrt(((samples - self.mean).astype(np.float64) ** 2).sum(axis=1))
'''


def blocks(kind: str) -> list[str]:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_sampler_that_is_shown_and_a_filter_of_quality_pass_their_contracts(
    tmp_path: Path,
) -> None:
    (module,), (line,) = blocks("python"), blocks("toml")
    (tmp_path / "ralston.py").write_text(module)
    (tmp_path / "far_off.py").write_text(FAR_OFF)
    line = line.replace("pairgen.samplers.ralston", "ralston").replace('"', "")
    groups = f"[pairgen.samplers]\n{line}[pairgen.filters]\nfar-off = far_off:FarOff\n"
    install(tmp_path, "contributed", groups)
    tests = [f"tests/contracts/test_{kind}.py" for kind in ("samplers", "filters")]
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-k", "ralston or far-off"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", ended.stdout)[1])
    assert passed >= 40
