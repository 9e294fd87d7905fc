"""SIGTERM during a step that takes a minute: the process is gone within ten seconds."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from faults.commands import finish
from faults.picture_training import begun

from kdm.presets.presets import preset
from storage.folders import Folder, folder_at
from storage.plugins import describe
from storage.records import PairBatch
from storage.store import PairStore

pytestmark = pytest.mark.faults

LAYOUT, COUNT = "wds-256", 256
SECONDS = 10  # promised


def write_job(place: Folder) -> Path:
    """The published CIFAR-10 student on batches of 128."""
    named = preset("cifar10")
    spec = {"version": 1, "pairs": named.schema.model_dump(mode="json")}
    store = PairStore.create(place / "pairs", spec, split="train", layout=LAYOUT)
    x_0 = np.random.RandomState(0).randint(0, 256, (COUNT, *named.schema.shape))
    pairs = PairBatch(store.indices(0), x_0.astype(np.float32), x_0.astype(store.schema.x_0_dtype))
    store.write(0, pairs, dropped={}, environment={})
    store.commit(COUNT)
    source = {"kind": "pairs", "url": store.folder.url, "layout": LAYOUT, "count": COUNT}
    training = named.training.model_dump(mode="json") | {"batch_size": 128}
    job = {"group": "kdm.students", "model": describe(named.student), "source": source}
    job |= {"training": training, "folder": (place / "student").url, "device": "cpu"}
    place.replace("job.json", json.dumps(job).encode())
    return place.local_path("job.json")


def test_a_training_in_the_midst_of_a_long_step_leaves_in_time(tmp_path: Path) -> None:
    process = begun(write_job(folder_at(str(tmp_path))))
    time.sleep(15)  # it has built its networks and is in its first step
    process.send_signal(signal.SIGTERM)
    ended = finish(process, seconds=SECONDS)
    assert ended.code == 143
    assert "mid-step, since the step took too long" in ended.said
    assert "Traceback" not in ended.said
