"""The students of a home that were trained on one set, with what is known of each."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flows.documents.measured import read_metrics
from flows.documents.timings import read_timings
from flows.home import bare, things
from kdm.trained import read_config
from storage.errors import DamageError
from storage.folders import Folder

_JOB = "job.json"


@dataclass(frozen=True)
class Trained:
    """A finished student: its documents, and the name that no other student of the set has."""

    name: str
    folder: Folder
    config: dict[str, Any]
    metrics: dict[str, Any]
    timings: dict[str, Any]
    job: dict[str, Any]

    @property
    def is_measured(self) -> bool:
        """Whether an evaluation left numbers."""
        return "values" in self.metrics

    @property
    def finished(self) -> str:
        """What a finish optimised, in words; empty for a student that wasn't finished."""
        finish = self.config["identity"].get("finish")
        if finish is None:
            return ""
        features = finish["features"]
        return f"finished by {features.get('network', features['kind'])}"

    @property
    def settings(self) -> dict[str, Any]:
        """The model, the training and the finish, as in a report."""
        identity, finished = self.config["identity"], self.config.get("finished")
        if finished is None:
            return {"model": identity["model"], "training": identity["training"]}
        finish = {key: value for key, value in identity["finish"].items() if key != "weights"}
        return {"model": identity["model"], "training": finished["training"], "finish": finish}


def trained_on(home: Folder, pairs: str) -> tuple[list[Trained], list[str]]:
    """The students of the set `pairs` (NAME-DIGEST), and sentences about folders that can't be read."""
    found, faults = [], []
    for name in things(home, "students"):
        folder = home / "students" / name
        try:
            config = read_config(folder)
        except DamageError as error:
            faults.append(f"students/{name} is left out: {error}.")
            continue
        if config is not None and config.get("identity", {}).get("training"):
            found.append((name, folder, config))
    ours = list(_of_set(found, pairs))
    names = Counter(bare(name) for name, _, _, _ in ours)
    return [
        Trained(
            bare(name) if names[bare(name)] == 1 else name,
            folder,
            config,
            metrics,
            read_timings(folder),
            _job(folder),
        )
        for name, folder, config, metrics in ours
    ], faults


def _of_set(
    found: list[tuple[str, Folder, dict[str, Any]]], pairs: str
) -> Iterator[tuple[str, Folder, dict[str, Any], dict[str, Any]]]:
    for name, folder, config in found:
        metrics = read_metrics(folder) or {}
        source = str(_job(folder).get("source", {}).get("url", ""))
        if metrics.get("pairs", source.rstrip("/").rpartition("/")[2]) == pairs:
            yield name, folder, config, metrics


def _job(folder: Folder) -> dict[str, Any]:
    """What its training process was told; empty if it isn't there or isn't a document."""
    if not folder.exists(_JOB):
        return {}
    try:
        found = json.loads(folder.read(_JOB))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
