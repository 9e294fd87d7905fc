"""Pictures of samples along the way: drawn by the average, and no bit of training knows."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_trainer import IDENTITY, outcome
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.data import points_source
from kdm.image_grid import image_grid, png
from kdm.objective import Objective, Player, weighted
from kdm.randomness.step_seeds import seed_initial_weights
from kdm.training.errors import Interrupted
from kdm.training.options import TrainingOptions
from kdm.training.trainer import Trainer
from storage.folders import Folder

OPTIONS = TrainingOptions(num_steps=11, batch_size=4, warmup_steps=3, log_every=2, trackers=())


class Painter(nn.Module):
    """Two convolutions with dropout, and a buffer that counts how often it was asked."""

    asked: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.layers = nn.Sequential(first, nn.Dropout(0.5), last, nn.Flatten())
        self.register_buffer("asked", torch.zeros(()))
        self.modes: list[bool] = []
        self.weights: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked += 1
        self.modes.append(self.layers[1].training)
        self.weights.append(self.layers[0].weight.detach().clone())
        return self.layers(x)


def painting() -> Objective:
    seed_initial_weights(0)
    painter = Painter()

    def loss(batch: Batch):
        noise = torch.randn_like(batch.x_0)
        return weighted({"l2": (painter(batch.x_0 + noise).mean(1) - 1).square().mean()}, {})

    def draw() -> Tensor:
        return painter(torch.randn(64, 1, 4, 4)).reshape(64, 4, 4, 4)

    return Objective(painter, (Player("painter", painter, loss),), draw=draw)


def fit(
    folder: Folder,
    objective: Objective | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **changes: Any,
) -> dict[str, Tensor]:
    options = OPTIONS.model_copy(update=changes)
    points = np.linspace(0, 255, 20 * 16).astype(np.uint8).reshape(20, 1, 4, 4)
    source = points_source(points, seed=0, batch_size=4)
    made = objective or painting()
    trainer = Trainer(made, source, options, folder, identity=IDENTITY, should_stop=should_stop)
    return trainer.fit().state


def test_no_bit_of_training_depends_on_pictures(home: Folder) -> None:
    fit(home / "without", samples_every=0)
    fit(home / "with", samples_every=2)
    assert outcome(home / "with", 11) == outcome(home / "without", 11)
    assert not (home / "without").exists("samples")


@pytest.mark.parametrize(
    ("every", "steps"), [(None, [3, 6, 9, 11]), (4, [4, 8, 11]), (100, [11]), (0, [])]
)
def test_pictures_come_every_so_often_and_at_the_end(
    home: Folder, every: int | None, steps: list[int]
) -> None:
    fit(home, samples_every=every)
    assert (home / "samples").names() == [f"step-{step:08d}.png" for step in steps]


def test_pictures_are_drawn_by_the_average_with_dropout_off_and_training_has_it_on(
    home: Folder,
) -> None:
    objective = painting()
    average = fit(home, objective, samples_every=100)["layers.0.weight"]
    painter = objective.model
    assert painter.modes == 11 * [True] + [False]
    assert torch.equal(painter.weights[-1], average)
    assert not torch.equal(painter.layers[0].weight, average)
    assert painter.layers[1].training


def test_a_picture_holds_64_images_in_rows_of_eight(home: Folder) -> None:
    fit(home, samples_every=100)
    picture = Image.open(io.BytesIO(home.read("samples/step-00000011.png")))
    assert picture.size == (8 * 68 + 4, 8 * 68 + 4)


def test_images_of_a_grid_keep_their_colours_and_places() -> None:
    images = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 2), np.uint8)
    grid = image_grid(images, num_columns=4, side=4)
    assert grid.shape == (2 * 8 + 4, 4 * 8 + 4, 3)
    assert [int(grid[4 + 8 * (n // 4), 4 + 8 * (n % 4), 0]) for n in range(8)] == list(range(8))
    assert png(grid) == png(grid.copy())


def reordered() -> Objective:
    objective = painting()
    objective.model.to(memory_format=torch.channels_last)
    return objective


def test_a_network_in_a_gpus_order_of_pixels_is_kept_like_others_and_goes_on(home: Folder) -> None:
    asked = iter([False] * 5 + [True])
    with pytest.raises(Interrupted):
        fit(home / "stopped", reordered(), should_stop=lambda: next(asked))
    state = fit(home / "stopped", reordered())
    fit(home / "whole", reordered())
    assert not state["layers.2.weight"].is_contiguous()
    assert outcome(home / "stopped", 11) == outcome(home / "whole", 11)
