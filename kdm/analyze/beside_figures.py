"""Figures of samples of the same noise (arXiv 2505.13358, Figs. 4 and 6 to 9).

The teacher's samples are shown first, then each student's.
"""

import numpy as np
from matplotlib.figure import Figure

from kdm.analyze.analysis import Drawing, Found
from kdm.analyze.cell_colours import BOARD
from kdm.analyze.image_strips import are_images, strips
from kdm.analyze.lettering import in_lines, literal
from kdm.analyze.panels import panels
from kdm.analyze.picture import PALETTE, TITLE_POINTS, drawn, plane
from kdm.analyze.sample_plots import draw_board


def samples_beside(found: Found) -> list[Drawing]:
    """The first held-out noises through the teacher and each point's first seed; [] of other samples."""
    first = next(iter(found.values()))[0].arrays["teacher"]
    models = [("teacher", first)]
    models += [(name, seeds[0].arrays["student"]) for name, seeds in found.items()]
    if are_images(first):
        rendered = strips("The same noise through each", models)
    elif first.shape[1:] == (2,):
        rendered = _boards(models)
    else:
        return []
    return [
        Drawing(
            "samples",
            "The same noise through teacher and students",
            "Held-out noise, which no student was trained on (the paper’s Figs. 4 and 6 to 9). A "
            "faithful student "
            "shows its teacher’s sample.",
            f"{len(first):,} samples of the teacher and of {len(found)} students from the same noise.",
            *rendered,
        )
    ]


@drawn
def _boards(models: list[tuple[str, np.ndarray]]) -> Figure:
    figure, every = panels("The same noise through each", len(models))
    for axes, (name, points) in zip(every, models, strict=True):
        draw_board(axes)
        plane(axes, BOARD)
        axes.scatter(points[:, 0], points[:, 1], s=1.6, color=PALETTE[4], alpha=0.55, linewidths=0)
        axes.set_title(literal(in_lines(name, 2.2, TITLE_POINTS)))
    return figure
