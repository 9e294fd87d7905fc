"""A student's pictures: its teacher's images above its own, and no bit of training knows."""

import io
from typing import Any

import numpy as np
import pytest
from faults.judged import MASK, judge
from numpy.typing import NDArray
from picture_pairs import LAYOUT, filled
from PIL import Image

from kdm.data import batch_of
from kdm.export import load_student
from kdm.image_grid import image_grid
from kdm.training.job import TrainingJob
from kdm.training.progress import Notice, Progress
from kdm.training.run_job import run_job
from storage.folders import Folder
from storage.options import parse
from storage.store import PairStore

UNETS = {"kind": "song-unet", "model_channels": 8, "channel_mult": [1], "num_blocks": 1}
KDM_F = {"plugin": "kdm-f", "networks": {**UNETS, "latent_dim": 6}}
TRAINING = {"num_steps": 3, "batch_size": 4, "warmup_steps": 1, "trackers": []}
TILE = 68  # an image of 64 pixels and the gap before it


@pytest.fixture
def pairs(home: Folder) -> Folder:
    filled(home / "pairs", "train")
    filled(home / "pairs", "heldout")
    return home / "pairs"


def train(
    folder: Folder, pairs: Folder, masks: list[Any] | None = None, **training: Any
) -> list[Progress | Notice]:
    said: list[Progress | Notice] = []
    source = {
        "kind": "pairs",
        "url": pairs.url,
        "layout": LAYOUT,
        "count": 64,
        "masks": masks or [],
    }
    document = {
        "group": "kdm.students",
        "model": KDM_F,
        "source": source,
        "training": {**TRAINING, **training},
        "folder": folder.url,
        "device": "cpu",
    }
    run_job(parse(TrainingJob, document, "job"), report=said.append)
    return said


def picture(folder: Folder, step: int = 3) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(folder.read(f"samples/step-{step:08d}.png"))))


def row(grid: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    return grid[number * TILE : (number + 1) * TILE]


def first_row(pairs: Folder, split: str, first: int = 0) -> NDArray[np.uint8]:
    images = (
        PairStore.open(pairs, split=split, layout=LAYOUT).load(16, ()).pairs.x_0[first : first + 8]
    )
    return row(image_grid(images, num_columns=8, side=64), 0)


def test_no_bit_of_a_student_depends_on_its_pictures(home: Folder, pairs: Folder) -> None:
    train(home / "with", pairs, samples_every=1)
    train(home / "without", pairs, samples_every=0)
    name = "checkpoints/step-00000003.safetensors"
    assert (home / "with").read(name) == (home / "without").read(name)
    assert len((home / "with" / "samples").names()) == 3
    assert not (home / "without").exists("samples")


def test_the_teachers_images_stand_above_those_of_the_trained_student(
    home: Folder, pairs: Folder
) -> None:
    train(home / "student", pairs)
    shown = batch_of(PairStore.open(pairs, split="heldout", layout=LAYOUT).load(8).pairs)
    made = load_student(home / "student").generate(shown.noise(), shown.label)
    images = (made * 127.5 + 128).clip(0, 255).byte().numpy()
    grid = picture(home / "student")
    assert len(grid) == 8 * TILE + 4
    assert np.array_equal(row(grid, 0), first_row(pairs, "heldout"))
    assert np.array_equal(row(grid, 1), row(image_grid(images, num_columns=8, side=64), 0))


def test_every_picture_of_a_training_shows_the_weights_of_its_step(
    home: Folder, pairs: Folder
) -> None:
    train(home / "student", pairs, samples_every=1, learning_rate=0.1)
    first, last = picture(home / "student", 1), picture(home / "student", 3)
    assert np.array_equal(row(first, 0), row(last, 0))
    assert not np.array_equal(row(first, 1), row(last, 1))


def test_a_set_without_held_out_pairs_shows_the_first_that_are_learned_from(home: Folder) -> None:
    filled(home / "pairs")
    train(home / "student", home / "pairs")
    assert np.array_equal(row(picture(home / "student"), 0), first_row(home / "pairs", "train"))


@pytest.mark.parametrize("judged", ["train", "heldout"])
def test_what_a_mask_drops_is_never_shown_nor_what_it_has_not_judged(
    home: Folder, pairs: Folder, judged: str
) -> None:
    for split in {"train", judged}:
        judge(PairStore.open(pairs, split=split, layout=LAYOUT))
    train(home / "student", pairs, masks=[MASK.model_dump()])
    kept = first_row(pairs, judged, first=1)  # the mask drops the first pair of a shard
    assert np.array_equal(row(picture(home / "student"), 0), kept)


def test_a_damaged_held_out_shard_costs_the_pictures_and_not_the_training(
    home: Folder, pairs: Folder
) -> None:
    shards = pairs / "heldout" / LAYOUT / "shards"
    shards.replace(shards.names()[0], b"damaged")
    said = train(home / "student", pairs)
    notices = [each.notice for each in said if isinstance(each, Notice)]
    assert "there will be no pictures during training" in notices[0]
    assert (home / "student").exists("model.safetensors")
    assert not (home / "student").exists("samples")
