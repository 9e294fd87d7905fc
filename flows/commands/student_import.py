"""`kdm student import`: stores a published KDM student."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import typer

from flows.commands.imported_student_card import imported_card
from flows.home import home_folder
from kdm.export import write_model
from kdm.published.student_state import PublishedStudent, published_student
from kdm.trained import read_config, read_weights
from pairgen.checkpoints import Checkpoint, read_student
from pairgen.teachers.imported_name import default_name
from storage.digest import digest_of, short
from storage.folders import Folder, input_file
from storage.plugins import describe

_IMPORTER = {"name": "published-kdm", "version": 1}  # raised when a file gives other tensors


@dataclass(frozen=True)
class Import:
    """What the user asks for when importing a student."""

    file: str
    name: str = ""
    student: str = ""  # kdm or kdm-f, to check it
    noise_scale: float | None = None  # standard deviation, if the file doesn't state it


def import_student(wanted: Import, home: str, *, is_dry: bool = False) -> None:
    """Store a student and its card; what exists stays as it is."""
    path = input_file(wanted.file, "the student to import", "name the student to import")
    name = _name(wanted, path)
    checkpoint = read_student(path)
    try:
        student = _student(checkpoint, wanted)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    config = _config(student, checkpoint)
    folder = home_folder(home) / "students" / f"{name}-{short(digest_of(config['identity']))}"
    is_there = _is_there(folder)
    if is_dry:
        state = "is there" if is_there else "would be stored"
        typer.echo(f"{folder.url}: {state}; nothing was written")
        return
    if not is_there:
        write_model(folder, student.state, config=config)
    card = imported_card(folder)
    folder.replace("card.md", card.text.encode())
    typer.echo(f"{folder.url}: {card.summary}")


def _name(wanted: Import, path: Path) -> str:
    plain = default_name(wanted.name or path.stem)
    if wanted.name not in ("", plain):
        raise ValueError(f"--name {wanted.name[:80]}: write it as '{plain}'")
    return plain


def _student(checkpoint: Checkpoint, wanted: Import) -> PublishedStudent:
    tensors = {name: torch.from_numpy(each) for name, each in checkpoint.tensors.items()}
    student = published_student(tensors, _settings_with(checkpoint, wanted.noise_scale))
    scale, kind = student.schema.noise.scale, wanted.student
    if wanted.noise_scale not in (None, scale):
        raise ValueError(
            f"its noise has scale {scale:g}, not {wanted.noise_scale:g}; leave --noise-scale out"
        )
    if kind not in ("", student.plugin.plugin):
        raise ValueError(
            f"it holds a student of kind '{student.plugin.plugin}', not '{kind[:40]}'; leave "
            "--student out"
        )
    return student


def _settings_with(checkpoint: Checkpoint, noise_scale: float | None) -> dict[str, Any]:
    """The file's settings, with the user's noise scale if the file lacks it."""
    said = {} if noise_scale is None else {"initial_noise_factor": noise_scale}
    return said | checkpoint.attributes


def _is_there(folder: Folder) -> bool:
    """`DamageError` if its files aren't as they were written."""
    config = read_config(folder)
    if config is not None:
        read_weights(folder, config)
    return config is not None


def _config(student: PublishedStudent, checkpoint: Checkpoint) -> dict[str, Any]:
    model, empty = describe(student.plugin), student.empty()
    return {
        "group": "kdm.students",
        "model": model,
        "shape": list(student.schema.shape),
        "schema": student.schema.model_dump(mode="json"),
        "identity": {
            "importer": _IMPORTER,
            "source_sha256": checkpoint.source_sha256,
            "model": model,
        },
        "source": {
            "sha256": checkpoint.source_sha256,
            "kind": checkpoint.kind,  # the class of a module that was saved whole, or state-dict
            "settings": _settings(checkpoint),
        },
        "parameters": {
            "trainable": empty.num_trainable_parameters(),
            "inference": empty.num_inference_parameters(),
        },
    }


def _settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """Plain ones, as JSON can hold them."""
    return {
        name: value
        for name, value in checkpoint.attributes.items()
        if name != "training" and (type(value) is not float or math.isfinite(value))
    }
