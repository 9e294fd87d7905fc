"""Writes the frozen home of version 0.1: `python tests/golden/make_golden_home.py FOLDER`.

What the frozen stores lack: a teacher, a student of every kind, the decisions of a policy, a purged set, and
what each network gave. It was run once. What lies here is never written again: it must open for ever.
"""

import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from faults.here import train_here
from frozen_home import LAYOUTS, kept_indices, student_values, teacher_values

from flows.commands.pairs_convert import convert_set
from flows.commands.pairs_purge import purge_set
from flows.config.load import load_recipe
from flows.judged_pairs import masks_in
from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from storage.folders import Folder, folder_at

UNET = {
    "kind": "song-unet",
    "model_channels": 4,
    "channel_mult": [1],
    "num_blocks": 1,
    "attn_resolutions": [],
}
KOOPMAN = {"networks": {**UNET, "latent_dim": 6}}
MODELS: dict[str, Any] = {
    "kdm": {"plugin": "kdm", **KOOPMAN},
    "kdm-f": {"plugin": "kdm-f", **KOOPMAN},
    "kdm-t": {"plugin": "kdm-t", "networks": UNET, "num_steps": 2},
    "get": {"plugin": "get", "network": {"width": 8, "depth": 1, "num_heads": 2}},
    "regression": {"plugin": "regression", "network": UNET},
    "reflow": {"plugin": "reflow", "network": UNET, "num_steps": 2},
    "mean-flow": {"plugin": "mean-flow", "network": UNET},
    "started": {"plugin": "kdm", "init": "teacher"},
}
TRAINING = {"num_steps": 3, "batch_size": 16, "warmup_steps": 0, "samples_every": 0, "trackers": []}
FINISH = {"num_steps": 2, "batch_size": 16, "features": {"kind": "random-features", "width": 2}}
RECIPE: dict[str, Any] = {
    "name": "frozen",
    "title": "A home of version 0.1 (numbers mean nothing)",
    "dataset": {"kind": "digits"},
    "teacher": {
        "name": "edm",
        "model": {"plugin": "edm", "num_classes": 10, "sigma_data": 0.75, "network": UNET},
        "training": {**TRAINING, "num_steps": 300, "batch_size": 64, "learning_rate": 1e-2},
    },
    "pairs": {
        "kind": "generated",
        "name": "frozen",
        "sampler": {"plugin": "edm-heun", "num_steps": 6},
        "pairs": {
            "shape": [1, 8, 8],
            "noise": {"seed": 1, "scale": 80.0},
            "label": {"rule": "cycle", "num_classes": 10},
            "num_states": 1,
        },
        "train": 32,
        "heldout": 32,
        "layout": "wds-32",
    },
    "filters": {"policy": "pictures-turned", "fpr": 0.996},  # at lower rates all pairs stay
    "students": [
        {"name": name, "model": model, "training": TRAINING} for name, model in MODELS.items()
    ],
}
RECIPE["students"][4]["finish"] = FINISH
POINTS: dict[str, Any] = {
    "name": "purged",
    "title": "A set of which a decision was purged (numbers mean nothing)",
    "teacher": {"name": "gaussian", "model": {"plugin": "gaussian"}},
    "pairs": {
        "kind": "generated",
        "name": "purged",
        "sampler": {"plugin": "euler", "num_steps": 2},
        "pairs": {"shape": [2], "noise": {"seed": 1, "scale": 1.0}},
        "train": 32,
        "heldout": 32,
        "layout": "wds-32",
    },
    "filters": [{"filter": {"plugin": "truncation"}, "threshold": 0.25}],
}
KEPT_FILES = ("config.json", "model.safetensors", "metrics.json", "timings.json")
KEPT_OF_ONE = ("best.json", "best.safetensors")  # weights are most of the bytes


def make(home: Folder) -> None:
    """Everything of the home, in both layouts, and `expected.json`."""
    with pytest.MonkeyPatch.context() as patch:
        train_here(patch)
        judged = made(RECIPE, home, until="distill")
    purged = made(POINTS, home, until="filter-pairs")
    for name in (judged.name, purged.name):
        convert_set(name, home.url, to=LAYOUTS[1], source="")
    (decision,) = (each["decision"] for each in purged.facts["masks"])
    purge_set(purged.name, home.url, decision=decision, is_confirmed=True)
    for kind in ("teachers", "students"):
        for name in (home / kind).names():
            thin_out(home / kind / name)
    home.replace("expected.json", (json.dumps(expected(home, judged, purged)) + "\n").encode())


def expected(home: Folder, judged: StageResult, purged: StageResult) -> dict[str, Any]:
    """What is asked of every later version."""
    pairs, masks = home / "pairs", masks_in(judged)
    (teacher,) = (home / "teachers").names()
    students = {name: home / "students" / name for name in (home / "students").names()}
    return {
        "masks": judged.facts["masks"],
        "kept": {
            split: kept_indices(pairs / judged.name, split, LAYOUTS[0], masks)
            for split in ("train", "heldout")
        },
        "purged": kept_indices(pairs / purged.name, "train", LAYOUTS[0], ()),
        "teachers": {teacher: teacher_values(home / "teachers" / teacher)},
        "students": {name: student_values(folder) for name, folder in students.items()},
        "best": {
            name: student_values(folder, "best")
            for name, folder in students.items()
            if folder.exists("best.json")
        },
    }


def made(document: dict[str, Any], home: Folder, *, until: str) -> StageResult:
    """Stages of a recipe up to this one; the result of its filters."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "recipe.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        results = run_stages(Run(load_recipe(str(file)), home), until=until)
    return next(each for each in results if each.stage == "filter-pairs")


def thin_out(folder: Folder) -> None:
    """Leave what later versions must read: no checkpoints, pictures or cards."""
    stays = {*KEPT_FILES, *(KEPT_OF_ONE if folder.name.startswith("regression-") else ())}
    for each in folder.local_path("").iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name not in stays:
            each.unlink()


def packed(home: Path, file: Path) -> None:
    """The home as one archive: its many files are small."""
    with tarfile.open(file, "w:gz") as archive:
        archive.add(home, arcname="home")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    make(folder_at(str(place / "home")))
    packed(place / "home", place / "home-v1.tar.gz")
