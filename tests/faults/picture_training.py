"""kill -9 of a tiny training of pictures: U-Nets, critic, average, two optimisers, checkpoints."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from faults.commands import finish, start
from picture_pairs import LAYOUT, filled

from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.digest import unseal, without_stamp
from storage.folders import Folder
from storage.options import parse

NUM_STEPS, CHECKPOINT_EVERY = 24, 3
MODEL: dict[str, Any] = {
    "plugin": "kdm",
    "networks": {"kind": "song-unet", "model_channels": 8, "channel_mult": [1, 2], "num_blocks": 1},
    "losses": {"distance": {"plugin": "random-features", "width": 4}},
    "adversary": {"kind": "non-saturating", "width": 8, "num_halvings": 1},
}
OF_STATES = {
    "plugin": "kdm-t",
    "networks": {**MODEL["networks"], "dropout": 0.1},
    "losses": {"lat": 0.1, "rec": 0.1, "again": 0.5},
    "levels": [[1, 80], [1, 20], [1, 2]],
    "warm_up_share": 0.3,
}
TRAINING = {
    "num_steps": NUM_STEPS,
    "batch_size": 8,
    "warmup_steps": 5,
    "log_every": 1,
    "checkpoint_every": CHECKPOINT_EVERY,
    "samples_every": 8,
    "trackers": [],
}
# In half of the cases while a checkpoint is being written.
MODES = ("anywhere", "in a write")


def write_job(place: Folder, name: str, model: Mapping[str, Any] = MODEL) -> Path:
    """The job's file; its pairs lie at the place, its result will in the folder `name`."""
    filled(place / "pairs", count=256, num_states=2 if model is OF_STATES else 0)
    pairs = {"kind": "pairs", "url": (place / "pairs").url, "layout": LAYOUT, "count": 256}
    job = {"group": "kdm.students", "model": model, "source": pairs, "training": TRAINING}
    job |= {"folder": (place / name).url, "device": "cpu"}
    place.replace(f"{name}.json", json.dumps(job).encode())
    return place.local_path(f"{name}.json")


def write_finish(place: Folder, name: str, *, after: Path) -> Path:
    """The job that finishes the student of a done job, in as many steps."""
    job = json.loads(after.read_bytes())
    config = unseal((place / after.stem).read("config.json"), "config.json")
    options = {"features": {"kind": "random-features", "width": 4}}
    finish = {"options": options, "student": job["folder"], "weights": config["weights"]["sha256"]}
    job |= {"finish": finish, "folder": (place / name).url}
    place.replace(f"{name}.json", json.dumps(job).encode())
    return place.local_path(f"{name}.json")


def train_here(job: Path) -> None:
    """All of a job, or the rest of it, in this process."""
    run_job(parse(TrainingJob, json.loads(job.read_bytes()), str(job)), report=lambda report: None)


def begun(job: Path) -> subprocess.Popen[str]:
    """A process that has read the job and imported torch: its first line is here."""
    process = start([sys.executable, "-m", "kdm.training", str(job)])
    assert process.stdout is not None
    assert process.stdout.readline().startswith("{")
    return process


def kill_and_resume(
    job: Path, seed: int, num_kills: int, pace: float, modes: tuple[str, ...] = MODES
) -> Iterator[dict[str, Any]]:
    """Kill a job `num_kills` times, spread over its steps; a line for each, the rest is left to do.

    `pace` is what the steps between two checkpoints take, in seconds.
    """
    chosen, checkpoints = random.Random(seed), Path(str(job).removesuffix(".json")) / "checkpoints"
    for number in range(num_kills):
        mode, seconds = modes[number % len(modes)], chosen.uniform(0, pace)
        step = int(NUM_STEPS * chosen.uniform(number, number + 1) / num_kills) - CHECKPOINT_EVERY
        process = begun(job)
        _await(process, lambda step=step: _newest(checkpoints) >= step)
        if mode == "in a write":
            _await(process, lambda: any(checkpoints.glob(".tmp-*")))
        else:
            time.sleep(seconds)
        process.kill()
        ended = finish(process).code == 0
        yield {
            "seed": seed,
            "number": number,
            "mode": mode,
            "seconds": round(seconds, 3),
            "ended": ended,
            "was_writing": any(checkpoints.glob(".tmp-*")),
            "newest": _newest(checkpoints),
        }
        if ended:
            return


def result(job: Path) -> dict[str, Any]:
    """All that a job left: weights, averages, critic, both optimisers' states; best, losses, pictures."""
    folder = Path(str(job).removesuffix(".json"))
    last = f"checkpoints/step-{NUM_STEPS:08d}"
    lasting = ["model.safetensors", "best.safetensors", f"{last}.safetensors"]
    sealed = ["config.json", "losses.json", "best.json", f"{last}.json"]
    pictures = sorted(str(path.relative_to(folder)) for path in folder.glob("samples/*"))
    found: dict[str, Any] = {name: (folder / name).read_bytes() for name in lasting + pictures}
    documents = {name: unseal((folder / name).read_bytes(), name) for name in sealed}
    return found | {name: without_stamp(document) for name, document in documents.items()}


def _newest(checkpoints: Path) -> int:
    """The step of the last checkpoint; 0 where there is none."""
    names = (path.stem for path in checkpoints.glob("step-*.json"))
    return max((int(name.removeprefix("step-")) for name in names), default=0)


def _await(process: subprocess.Popen[str], is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Until it is so, or the process has ended."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline and not is_so():
        time.sleep(0.0002)
