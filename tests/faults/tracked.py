"""What trackers hold of a run, by each one's own library, and what the run's folder says it should be."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdm.trackers.wandb_files import _records
from storage.digest import unseal
from storage.folders import Folder

Steps = list[tuple[int, float]]


@dataclass
class Held:
    """All that a tracker has of one home's runs."""

    num_runs: int
    losses: dict[str, Steps] = field(
        default_factory=dict
    )  # by name, in the order in which they're held
    pictures: list[int] = field(default_factory=list)  # steps
    final: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, step: int, value: float) -> None:
        self.losses.setdefault(name, []).append((step, value))


def should_be(folder: Folder) -> Held:
    """What the run's own files say."""
    held = Held(1)
    for entry in unseal(folder.read("losses.json"), "losses")["losses"]:
        for name, value in entry["losses"].items():
            held.note(f"loss/{name}", entry["step"], value)
    held.pictures = [int(name[5:-4]) for name in (folder / "samples").names()]
    held.final = {f"final/{name}": steps[-1][1] for name, steps in held.losses.items()}
    return held


def differences(found: Held, expected: Held, *, digits: int = 17) -> list[str]:
    """A sentence for each thing that isn't as the files say; values to so many digits."""
    faults = [] if found.num_runs == expected.num_runs else [f"{found.num_runs} runs"]
    faults += [
        f"{name}: {found.losses.get(name, [])}, expected {steps}"
        for name, steps in expected.losses.items()
        if rounded(found.losses.get(name, []), digits) != rounded(steps, digits)
    ]
    if found.pictures != expected.pictures:
        faults.append(f"pictures {found.pictures}, expected {expected.pictures}")
    if not expected.final.keys() <= found.final.keys():
        faults.append(f"final numbers {sorted(found.final)}")
    return faults


def rounded(steps: Steps, digits: int) -> list[tuple[int, str]]:
    return [(step, f"{value:.{digits}g}") for step, value in steps]


def of_lines(folder: Folder) -> Held:
    """The test's own tracker, a line a step."""
    held = Held(1)
    for line in map(json.loads, folder.read("lines").splitlines()):
        for name, value in line.get("values", {}).items():
            if name.startswith("loss/"):
                held.note(name, line["step"], value)
        if line.get("pictures"):
            held.pictures.append(line["step"])
        held.final |= line.get("final", {})
    return held


def of_tensorboard(folder: Folder) -> Held:
    """By TensorBoard's own reader, which drops and merges as its page does."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events: Any = EventAccumulator(
        str(folder.local_path("tensorboard")), {"scalars": 0, "images": 0}
    )
    events.Reload()
    held = Held(1)
    for name in events.Tags()["scalars"]:
        for each in events.Scalars(name):
            if name.startswith("loss/"):
                held.note(name, each.step, each.value)
            elif name.startswith("final/"):
                held.final[name] = each.value
    held.pictures = [each.step for each in events.Images("samples")]
    return held


def of_mlflow(folder: Folder) -> Held:
    """By MLflow's client, from the home's store."""
    from mlflow import MlflowClient

    client: Any = MlflowClient(f"sqlite:///{folder.local_path().parents[1]}/trackers/mlflow.db")
    (experiment,) = [each for each in client.search_experiments() if each.name == "kdm"]
    runs = client.search_runs([experiment.experiment_id])
    held, run = Held(len(runs)), runs[0]
    assert run.info.status == "FINISHED"
    for name in run.data.metrics:
        history = client.get_metric_history(run.info.run_id, name)
        if name.startswith("loss/"):
            held.losses[name] = [(each.step, each.value) for each in history]
        elif name.startswith("final/"):
            assert len(history) == 1
            held.final[name] = history[0].value
    files = [each.path for each in client.list_artifacts(run.info.run_id, "samples")]
    held.pictures = sorted(int(Path(each).stem[5:]) for each in files)
    return held


def of_wandb(folder: Folder) -> Held:
    """From W&B's offline files, in the order in which `wandb sync` uploads them."""
    from wandb.proto.wandb_internal_pb2 import Record

    # offline-run-SECOND-KEY, and -1 after that for a second start in one second.
    found = folder.local_path("wandb").glob("offline-run-*/run-*.wandb")
    files = sorted(found, key=lambda file: (file.parent.name.split("-")[2], len(file.parent.name)))
    held = Held(len({file.name for file in files}))
    record: Any = Record
    for each in (record.FromString(data) for file in files for data in _records(file.read_bytes())):
        if each.WhichOneof("record_type") == "history":
            note_row(held, {name_of(item): item.value_json for item in each.history.item})
        elif each.WhichOneof("record_type") == "summary":
            found = {name_of(item): item.value_json for item in each.summary.update}
            numbers = {name: each for name, each in found.items() if name.startswith("final/")}
            held.final |= {name: float(value) for name, value in numbers.items()}
    return held


def name_of(item: Any) -> str:
    return item.key or "/".join(item.nested_key)


def note_row(held: Held, row: dict[str, str]) -> None:
    step = int(row["_step"])
    for name, value in row.items():
        if name.startswith("loss/"):
            held.note(name, step, float(value))
    if any(name == "samples" or name.startswith("samples/") for name in row):
        held.pictures.append(step)


def of_trackio(folder: Folder) -> Held:
    """By trackio's own store; its place is read as the library is imported."""
    place = folder.local_path().parents[1] / "trackers" / "trackio"
    assert os.environ.setdefault("TRACKIO_DIR", str(place)) == str(place)
    from trackio.sqlite_storage import SQLiteStorage

    names = SQLiteStorage.get_runs("kdm")
    held = Held(len(names))
    for row in SQLiteStorage.get_logs("kdm", names[0]):
        for name, value in row.items():
            if name.startswith("loss/"):
                held.note(name, row["step"], value)
            elif name.startswith("final/"):
                held.final[name] = value
        if "samples" in row:
            held.pictures.append(row["step"])
    return held


READERS: dict[str, Callable[[Folder], Held]] = {
    "lines": of_lines,
    "tensorboard": of_tensorboard,
    "mlflow": of_mlflow,
    "wandb": of_wandb,
    "trackio": of_trackio,
}
# TensorBoard's numbers are float32.
DIGITS = {"tensorboard": 6}
