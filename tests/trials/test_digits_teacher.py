"""The digits teacher at full size: what its pairs are held to (`make trials`; some six minutes)."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kdm.datasets.digits import DigitsData
from kdm.evaluate.classifier_training import accuracy, trained_classifier
from kdm.evaluate.picture_quality import PictureQuality, picture_quality
from storage.folders import folder_at
from storage.store import PairStore

pytestmark = pytest.mark.trials

DATA = DigitsData()
NUM_SAMPLES = 5000


def made_digits(home: Path, *options: str) -> PairStore:
    """The pairs of the recipe, made by the command; prints what it took (`pytest -s`)."""
    command = [str(Path(sys.executable).parent / "kdm"), "run", "digits", "--direct"]
    command += ["--until", "filter-pairs", "--home", str(home), *options]
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall_s": round(time.monotonic() - started), "cpu_s": round(cpu)}))
    (pairs,) = (home / "pairs").glob("digits-*")
    return PairStore.open(folder_at(str(pairs)), split="train", layout="wds-1024")


def judged(store: PairStore, home: Path) -> PictureQuality:
    classifier = trained_classifier(folder_at(str(home)), DATA)
    assert accuracy(classifier, DATA) >= 0.97
    pairs = store.load(NUM_SAMPLES, masks=()).pairs  # whatever the filter decided
    assert pairs.label is not None
    assert np.bincount(pairs.label).tolist() == [NUM_SAMPLES // 10] * 10
    return picture_quality(np.asarray(pairs.x_0), pairs.label, DATA, classifier)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_digits_teacher_reaches_its_bars(tmp_path: Path, seed: int) -> None:
    home = Path(os.environ.get("KDM_TRIALS_HOME", tmp_path)) / f"digits-seed-{seed}"
    store = made_digits(home, "--set", f"teacher.training.seed={seed}")
    quality = judged(store, home)
    print(quality)
    assert store.commit(30_000).kept >= 29_970
    assert quality.class_agreement.value >= 0.99
    assert quality.frechet.value <= 0.15
    assert quality.median_distance.value >= 0.9
    assert quality.low_distance.value >= 0.9
