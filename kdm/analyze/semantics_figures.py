"""Figures of the meaning in noise (arXiv 2505.13358, Fig. 2).

Points are coloured by the region where they land; pictures are traversals between two noises.
"""

import numpy as np
from matplotlib.figure import Figure

from kdm.analyze.analysis import Drawing, Found
from kdm.analyze.cell_colours import noise_window, scatter_cells
from kdm.analyze.image_strips import are_images, strips
from kdm.analyze.lettering import in_lines, literal
from kdm.analyze.panels import panels
from kdm.analyze.picture import TITLE_POINTS, drawn, plane


def noise_by_region(found: Found) -> list[Drawing]:
    """Noise coloured by where it lands: shuffled, by the teacher, by each point; [] without regions."""
    first = next(iter(found.values()))[0].arrays
    if "region_teacher" not in first:
        return []
    shuffled = np.random.RandomState(0).permutation(first["region_teacher"])
    pieces = [("untrained: any noise, any square", shuffled), ("teacher", first["region_teacher"])]
    pieces += [(name, seeds[0].arrays["region_student"]) for name, seeds in found.items()]
    png, svg = _planes(first["x_T"], pieces)
    return [
        Drawing(
            "noise-by-region",
            "Noise by the square where it lands",
            "Each dot is a noise, coloured by the dark square of its sample (the paper’s Fig. 2); "
            "grey ones land "
            "outside. Without training, noise and square are unrelated; a trained map cuts the noise into "
            "pieces, and a faithful student cuts it where its teacher does.",
            f"The same {len(shuffled):,} noises, coloured at random, by the teacher’s squares and "
            "by the students’.",
            png,
            svg,
        )
    ]


def traversals(found: Found) -> list[Drawing]:
    """Samples along spherical interpolations of noise, teacher above student; [] unless pictures."""
    first = next(iter(found.values()))[0].arrays
    if not are_images(first["path_teacher"]):
        return []
    rows = []
    for path in range(first["path_teacher"].shape[1]):
        rows.append((f"teacher, path {path + 1}", first["path_teacher"][:, path]))
        rows += [(name, seeds[0].arrays["path_student"][:, path]) for name, seeds in found.items()]
    png, svg = strips("From one noise to another", rows)
    return [
        Drawing(
            "traversals",
            "Traversals",
            "Samples along the way from one noise to another of the same class, at equal angles: "
            "the teacher’s, "
            "and below them the student’s. Both ends are held-out noises.",
            f"{len(rows)} rows of {len(first['path_teacher'])} samples along spherical interpolations.",
            png,
            svg,
        )
    ]


@drawn
def _planes(x_T: np.ndarray, pieces: list[tuple[str, np.ndarray]]) -> Figure:
    figure, every = panels("Noise by the square where it lands", len(pieces))
    for axes, (name, region) in zip(every, pieces, strict=True):
        plane(axes, noise_window(x_T))
        axes.set_title(literal(in_lines(name, 2.2, TITLE_POINTS)))
        scatter_cells(axes, x_T, region)
    return figure
