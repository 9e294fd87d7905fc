"""Pairs that copy a teacher's training points, and a student that learns them."""

from typing import Any

import numpy as np
from click.testing import Result
from conftest import SPEC
from typer.testing import CliRunner

from flows.cli import app
from kdm.datasets.checkerboard import CheckerboardData
from storage.digest import digest_of, short
from storage.folders import Folder
from storage.noise import derive_noise
from storage.records import NoiseRule, PairBatch
from storage.store import PairStore

NUM_COPIED, NUM_HELDOUT, LAYOUT = 20, 400, "wds-256"


def dataset(seed: int, num_train: int = NUM_COPIED) -> CheckerboardData:
    """A training set so small that its copies matter."""
    return CheckerboardData(num_train=num_train, num_heldout=NUM_HELDOUT, seed=seed)


def planted(home: Folder, points: np.ndarray, count: int = 1024) -> str:
    """Pairs whose samples are these points, by the angle of their noise; returns the set's name."""
    spec: dict[str, Any] = {**SPEC, "sampler": {"plugin": "none", "points": points.tolist()}}
    folder = home / "pairs" / f"planted-{short(digest_of(spec))}"
    for split, num in (("train", count), ("heldout", 256)):
        store = PairStore.create(folder, spec, split=split, layout=LAYOUT)
        for shard in store.missing(num):
            index = store.indices(shard)
            x_T = derive_noise(NoiseRule(seed=5), split, index, (2,))
            store.write(shard, _copies(index, x_T, points), dropped={}, environment={})
        store.commit(num)
    return folder.name


def _copies(index: np.ndarray, x_T: np.ndarray, points: np.ndarray) -> PairBatch:
    turned = points[np.argsort(np.arctan2(*points.T))]
    angle = (np.arctan2(*x_T.T) / (2 * np.pi) + 0.5) % 1
    return PairBatch(index, x_T, turned[(angle * len(points)).astype(np.int64)])


def kdm(*words: object) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def distil(home: Folder, pairs: str, data: CheckerboardData, num_steps: int) -> None:
    """Train a student of the recipe `tiny` on pairs, as if their teacher had learned this data."""
    changes = [
        f"dataset={{kind: checkerboard, num_train: {data.num_train}, num_heldout: {data.num_heldout}, "
        f"seed: {data.seed}}}",
        "filters=[]",
        "privacy.required=false",
        f"students.kdm.training.num_steps={num_steps}",
    ]
    given = [word for each in changes for word in ("--set", each)]
    ended = kdm("distill", "tiny", "--pairs", pairs, "--direct", "--home", home.url, *given)
    assert ended.exit_code == 0, (ended.output, ended.exception)
