"""`kdm sample`: draws samples of a student from fresh noise."""

import io
from dataclasses import dataclass
from typing import cast

import numpy as np
import psutil
import torch
import typer

from flows.commands.all_samples import samples_as_picture
from flows.commands.picture_files import PictureFiles, is_of_pictures
from flows.device import settled_device
from flows.home import found
from kdm.evaluate.draw import fresh_noise, push
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.export import load_student
from kdm.metrics.samples import Classes, Points
from kdm.students.precision import SamplingPrecision
from kdm.trained import CONFIG, Kept, read_config
from storage.digest import digest_of
from storage.folders import Folder, folder_at, local_file
from storage.options import parse
from storage.records import PairSchema
from storage.whole_numbers import whole_number

MAX_VALUES_A_LINE = 16
_VALUES_AT_ONCE = {"cpu": 2**15, "cuda": 2**20}  # of noise: 10 and 341 pictures of 3×32×32
_MOST_AT_ONCE = 2500


@dataclass(frozen=True)
class Wanted:
    """What the user asks for."""

    count: int
    seed: int = 0
    out: str = ""  # .npy, .npz, .png, or a folder of PNGs
    grid: str = ""  # .png
    label: str = ""
    precision: str = "float32"
    weights: Kept = "last"
    is_dry: bool = False


def sample(student: str, home: str, wanted: Wanted) -> None:
    """Print samples, or write them as numbers or pictures; a dry run only says where they would go."""
    _require_endings(wanted)
    torch.set_num_threads(1)  # sums depend on the number of threads
    folder = found(home, "students", student)
    precision = cast(SamplingPrecision, wanted.precision)
    model = load_student(folder, weights=wanted.weights, precision=precision)
    classes = classes_of(wanted.label, model.num_classes, folder.name)
    schema, device = _schema(folder), settled_device("auto")
    pictures = _pictures(wanted, folder, schema)
    if pictures:
        pictures.require_free()
    _require_memory(wanted.count, schema)
    if not wanted.out and not wanted.grid:
        _require_lines(schema)
    if wanted.is_dry:
        typer.echo(f"{wanted.count:,} samples of {folder.name}{_to(wanted)}; nothing was drawn")
        return
    x_T, label = fresh_noise(schema, seed=wanted.seed, count=wanted.count)
    if classes is not None:
        label = np.resize(classes, wanted.count)
    x_0 = push(model.to(device), x_T, label, options=_options(wanted, schema, device))
    if pictures:
        typer.echo(f"{len(x_0):,} samples: {pictures.write(x_0, label)}")
    elif wanted.out:
        _write(wanted.out, _as_file(x_0, wanted.out, folder.name, classes), len(x_0))
    if wanted.grid:
        _write(wanted.grid, samples_as_picture(x_0, folder.name, classes), len(x_0))
    if not wanted.out and not wanted.grid:
        _print(x_0)


def classes_of(label: str, num_classes: int, student: str) -> Classes | None:
    """The classes that `--label` names; a ValueError if the student doesn't know one of them."""
    if not label:
        return None
    if not num_classes:
        raise ValueError(f"--label {label}: {student} isn't class-conditional; leave --label out")
    if label == "all":
        return np.arange(num_classes, dtype=np.int64)
    words = [word.strip() for word in label.split(",")]
    classes = [number for number in map(whole_number, words) if number is not None]
    if len(classes) < len(words) or max(classes) >= num_classes:
        raise ValueError(
            f"--label {label[:80]}: {student} knows the classes 0 … {num_classes - 1}; give one, "
            "several as in 0,1 or 'all'"
        )
    return np.array(classes, dtype=np.int64)


def _require_endings(wanted: Wanted) -> None:
    for file in filter(None, (wanted.out, wanted.grid)):
        local_file(file, "the file of samples")
    if wanted.seed >= 2**64:
        raise ValueError(f"--seed {wanted.seed}: give a number from 0 to 2^64 - 1")
    if wanted.out and not (is_of_pictures(wanted.out) or wanted.out.endswith((".npy", ".png"))):
        raise ValueError(
            f"--out {wanted.out}: name a file that ends in .npy (numbers), .npz (pictures as bytes) or "
            ".png (all in one picture), or a folder of PNGs with a '/' at its end"
        )
    if wanted.grid and not wanted.grid.endswith(".png"):
        raise ValueError(f"--grid {wanted.grid}: name a file that ends in .png")


def _pictures(wanted: Wanted, folder: Folder, schema: PairSchema) -> PictureFiles | None:
    """Where samples go as single pictures; None if they don't."""
    if not is_of_pictures(wanted.out):
        return None
    config = read_config(folder)
    assert config is not None  # the student was loaded
    asked = {
        "student": folder.name,
        "trained": digest_of(config["weights"]),
        "weights": wanted.weights,
        "seed": wanted.seed,
        "count": wanted.count,
        "label": wanted.label,
        "precision": wanted.precision,
    }
    return PictureFiles(wanted.out, schema, asked)


def _require_memory(count: int, schema: PairSchema) -> None:
    """Raise a ValueError if noise, samples and labels don't fit in memory."""
    num_bytes = count * (8 + 2 * 4 * schema.num_values)
    total = psutil.virtual_memory().total
    if num_bytes > total:
        raise ValueError(
            f"-n {count}: these samples take {num_bytes:,} bytes, and this machine has {total:,}; "
            "ask for fewer, several times with different --seed"
        )


def _options(wanted: Wanted, schema: PairSchema, device: str) -> EvaluationOptions:
    at_once = max(1, _VALUES_AT_ONCE[device] // schema.num_values)
    return EvaluationOptions(seed=wanted.seed, batch_size=min(_MOST_AT_ONCE, at_once))


def _schema(folder: Folder) -> PairSchema:
    config = read_config(folder)
    assert config is not None  # the student was loaded
    return parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")


def _require_lines(schema: PairSchema) -> None:
    if schema.num_values > MAX_VALUES_A_LINE:
        raise ValueError(
            f"a sample has shape {schema.shape}; name a picture with --grid or a file with --out"
        )


def _to(wanted: Wanted) -> str:
    places = [
        str(local_file(each, "the file of samples")) for each in (wanted.out, wanted.grid) if each
    ]
    return f" would be written to {' and '.join(places)}" if places else " would be printed"


def _print(x_0: Points) -> None:
    typer.echo("\n".join(" ".join(f"{value:.6g}" for value in row.ravel()) for row in x_0))


def _write(file: str, data: bytes, count: int) -> None:
    path = local_file(file, "the file of samples")
    folder_at(str(path.parent)).replace(path.name, data)
    typer.echo(f"{count:,} samples: {path}")


def _as_file(x_0: Points, file: str, name: str, classes: Classes | None) -> bytes:
    if file.endswith(".png"):
        return samples_as_picture(x_0, name, classes)
    data = io.BytesIO()
    np.save(data, x_0, allow_pickle=False)
    return data.getvalue()
