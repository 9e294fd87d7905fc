"""torch.compile in a training process of its own: half a minute of compiling for each."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from storage.digest import unseal
from storage.folders import Folder

pytestmark = [
    pytest.mark.trials,
    pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"),
]
MODEL = {"plugin": "edm", "network": {"kind": "mlp", "width": 16, "num_layers": 2}}
TRAINING = {"num_steps": 30, "batch_size": 64, "warmup_steps": 2, "log_every": 10}


def trained(folder: Folder, **training: Any) -> Folder:
    job = {
        "group": "pairgen.teachers",
        "model": MODEL,
        "source": {"kind": "dataset", "dataset": {"kind": "checkerboard", "num_train": 500}},
        "training": {**TRAINING, **training},
        "folder": folder.url,
        "device": "cpu",
    }
    folder.replace("job.json", json.dumps(job).encode())
    command = [sys.executable, "-m", "kdm.training", f"{folder.url}/job.json"]
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(Path(folder.url) / "cache")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **cache})
    return folder


def test_a_compiled_network_has_the_same_names_and_nearly_the_same_losses(home: Folder) -> None:
    plain, compiled = (trained(home / str(is_on), is_compiled=is_on) for is_on in (False, True))
    losses, weights = [], []
    for folder in (plain, compiled):
        losses.append(unseal(folder.read("losses.json"), "losses")["losses"][-1]["losses"]["edm"])
        weights.append(safetensors.numpy.load(folder.read("model.safetensors")))
    assert weights[0].keys() == weights[1].keys()
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_compiled_run_has_the_same_bits_when_compiled_anew(home: Folder) -> None:
    first, again = (trained(home / name, is_compiled=True) for name in ("first", "again"))
    assert first.read("model.safetensors") == again.read("model.safetensors")
