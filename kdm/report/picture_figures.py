"""Samples that are images: students below their teacher on the same noise, and grids of each.

The first row is the teacher's, and column j of every row comes from the same noise: a student that
follows its teacher shows the same image there. Samples are float32 [n, c, h, w] on −1 … 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.lettering import in_lines, inches_of, literal
from kdm.analyze.picture import (
    INK,
    TITLE_POINTS,
    new_figure,
    picture,
    pixels_across,
    pixels_in,
)
from kdm.image_grid import image_grid
from kdm.metrics.sample_sets import Points, SampleSet
from kdm.metrics.samples import Classes, EvaluationSamples
from kdm.report.content import Gallery, Picture

_COLUMNS = 20  # noises side by side
_ROWS, _MAX_CLASSES = 8, 12  # of a grid; with more classes its columns mean nothing
_SIDE = 40  # pixels that small images are enlarged to
_NAMES, _MARGIN = 140, 10  # pixels beside the rows at least, and after the longest name
_NAME_POINTS = 7


def picture_galleries(students: Mapping[str, EvaluationSamples]) -> list[Gallery]:
    """What images of the teacher and of each student, by name, look like; [] for other samples.

    Two galleries: all models on the same held-out noise, and a grid of each model's samples from fresh
    noise.
    """
    if not students:
        return []
    teacher = next(iter(students.values()))
    if not is_image(teacher.shape):
        return []
    models = [("teacher", teacher.sets["x_0"])]
    models += [(name, each.sets["x_0_hat"]) for name, each in students.items()]
    beside = Picture(
        beside_teacher(models, teacher.label),
        f"The teacher and {', '.join(students)} on the same {_COLUMNS} held-out noises, a row each; "
        "the teacher's row is the first.",
    )
    drawn = [("teacher", teacher, "reference")]
    drawn += [(name, each, "fresh_x_0_hat") for name, each in students.items()]
    grids = [_grid(name, each.sets[which], each.fresh_label) for name, each, which in drawn]
    return [
        Gallery("Teacher above students", _BESIDE, (beside,), is_wide=True),
        Gallery("Samples", _SAMPLES, tuple(grids), is_narrow=True),
    ]


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape are grey or colour images."""
    return len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > 1


@picture
def beside_teacher(
    models: Sequence[tuple[str, Points | SampleSet]], label: Classes | None
) -> Figure:
    """A row a model, [n, C, H, W] each, on the same noise; classes in turn if there are any.

    Names are left of their rows, in as much room as the longest needs.
    """
    chosen = _in_turn(label, len(models[0][1]), _COLUMNS)
    shown = np.concatenate([_bytes(samples[chosen]) for _, samples in models])
    grid = image_grid(shown, num_columns=len(chosen), side=_SIDE)
    height, width = grid.shape[:2]
    longest = max(inches_of(name, _NAME_POINTS) for name, _ in models)
    names = max(_NAMES, pixels_in(longest) + _MARGIN)
    figure = new_figure(pixels_across(names + width), pixels_across(height))
    figure.figimage(grid, names, 0, origin="upper")
    for row, (name, _) in enumerate(models):
        middle = 1 - (row + 0.5) / len(models)
        figure.text(0.0, middle, literal(name), fontsize=_NAME_POINTS, color=INK, va="center")
    return figure


def _grid(name: str, samples: SampleSet, label: Classes | None) -> Picture:
    """A grid of one model's samples from fresh noise, a column a class if there are only a few."""
    num_classes = 0 if label is None else len(np.unique(label))
    num_columns = num_classes if 1 < num_classes <= _MAX_CLASSES else _ROWS
    chosen = _in_turn(label, len(samples), _ROWS * num_columns)
    num_columns = min(num_columns, len(chosen))
    whole = chosen[: len(chosen) - len(chosen) % num_columns]
    drawn = _titled(_bytes(samples[whole]), name, num_columns)
    return Picture(drawn, f"{name}: {len(whole)} samples from noise of no held-out pair.")


@picture
def _titled(images: NDArray[np.uint8], name: str, num_columns: int) -> Figure:
    """Images [n, c, h, w] in columns below their model's name."""
    grid = image_grid(images, num_columns=num_columns, side=_SIDE)
    height, width = grid.shape[:2]
    title = in_lines(name, 0.97 * pixels_across(width), TITLE_POINTS)
    head = _SIDE * (1 + title.count("\n"))
    figure = new_figure(pixels_across(width), pixels_across(height + head))
    figure.figimage(grid, 0, 0, origin="upper")
    middle = 1 - head / 2 / (height + head)
    figure.text(0.01, middle, literal(title), fontsize=TITLE_POINTS, color=INK, va="center")
    return figure


def _in_turn(label: Classes | None, num_samples: int, count: int) -> NDArray[np.int64]:
    """Rows of the first samples; with labels the first of each class, then the second of each, ….

    Fewer than `count` if there are fewer samples; every round of classes is whole. So column j of a
    grid is always one class.
    """
    if label is None:
        return np.arange(min(count, num_samples))
    by_class = [np.flatnonzero(label == each) for each in np.unique(label)]
    num_rounds = max(1, min(count // len(by_class), *(len(rows) for rows in by_class)))
    turns = [rows[turn] for turn in range(num_rounds) for rows in by_class]
    return np.array(turns[:count], np.int64)


def _bytes(samples: Points) -> NDArray[np.uint8]:
    """Numbers on −1 … 1 as bytes, rint(127.5 x + 127.5), clipped."""
    colours: NDArray[np.uint8] = np.rint(127.5 * samples + 127.5).clip(0, 255).astype(np.uint8)
    return colours


_BESIDE = (
    "The same held-out noise through the teacher (first row) and through each student below it, "
    "classes in turn. A faithful student shows the same image; one that only learned the "
    "distribution shows another of the same class."
)
_SAMPLES = (
    "Samples of the teacher and of each student, the students’ from noise of no pair; a column is a "
    "class if the set has only a few."
)
