"""Sixteen samples of an imported teacher in rows of four, as a PNG that a repeated run reproduces."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from flows.progress import Meter
from kdm.image_grid import image_grid, png
from kdm.trained import read_config, read_weights
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.imported_network import ImportedTeacher
from pairgen.teachers.imported_samples import samples_of
from pairgen.teachers.teacher import load_teacher
from storage.folders import Folder
from storage.plugins import configure

_NUM_SAMPLES = 16
_EACH_WAY = 4
_SIDE = 128  # pixels of an image: small ones are enlarged to at most this


def drawn(folder: Folder) -> bytes | None:
    """The picture of a teacher that was just stored; None if its samples aren't pictures."""
    # Imported here because it imports all recipes, and an import needs the memory for tensors.
    from flows.terminal import Terminal

    config = read_config(folder)
    assert config is not None  # it was written just now
    plugin = cast(ImportedTeacher, configure("pairgen.teachers", config["model"]))
    if len(plugin.kind.shape) != 3:
        return None  # points aren't pictures
    sampler = cast(FixedSteps, configure("pairgen.samplers", config["sampler"]))
    digest = config["weights"]["sha256"]
    # The raw weights aren't kept in a variable, so they're in memory only once while sampling.
    teacher = load_teacher(
        plugin, plugin.kind.shape, weights=read_weights(folder, config), digest=digest
    )
    with Terminal() as terminal:
        meter = Meter(terminal.report, "samples", folder.name, _NUM_SAMPLES, "images")
        meter.at(0)
        images = samples_of(teacher, plugin.kind, sampler, count=_NUM_SAMPLES, report=meter.at)
    return grid_png(images)


def grid_png(images: NDArray[np.uint8]) -> bytes:
    """Images [16, C, H, W] on white."""
    return png(image_grid(images, num_columns=_EACH_WAY, side=_SIDE))
