"""Words that have room: names are as long as users make them, and a picture cuts off what doesn't fit.

So text is measured before a figure is made, in the font that draws it: lines are broken where they
would leave the picture, and a legend gets as many columns as its longest label leaves room for.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FONT = "DejaVu Sans"  # comes with matplotlib, so every machine has it
_POINTS_PER_INCH = 72
_ON_PIXELS = 1.05  # a picture draws letters on whole pixels: 3 % wider at 7 points
LEGEND_POINTS = 8.0
_KEY_INCHES = 0.5  # the line before a label, with the gaps around it
_ROW_INCHES = 0.175  # of a legend
_MOST_COLUMNS = 6


def inches_of(words: str, points: float, *, weight: str = "normal") -> float:
    """How wide a line of words is drawn at this size; '$' is a letter here, not the start of a formula."""
    font = FontProperties(family=FONT, size=points, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return _ON_PIXELS * float(width) / _POINTS_PER_INCH


def in_lines(words: str, inches: float, points: float, *, weight: str = "normal") -> str:
    """The words in as many lines as they need to be at most `inches` wide.

    Lines are broken after a space, '-', '_', '.' or '/' if possible, else within a word.
    """
    lines = [""]
    for piece in re.findall(r"[^-\s_./]*[-\s_./]*", words):
        if inches_of(lines[-1] + piece.rstrip(), points, weight=weight) > inches and lines[-1]:
            lines.append("")
        *full, rest = _cut(lines[-1] + piece, inches, points, weight)
        lines[-1:] = [*full, rest]
    return "\n".join(line.rstrip() for line in lines)


def literal(name: str) -> str:
    """A name printed as it is: matplotlib would read text between dollars as a formula."""
    return name.replace("$", r"\$")


def legend_label(name: str, figure_inches: float) -> str:
    """A name for a legend, in lines that fit below a figure of this width."""
    return literal(in_lines(name, figure_inches - _KEY_INCHES - 0.2, LEGEND_POINTS))


def legend_shape(labels: Sequence[str], figure_inches: float) -> tuple[int, float]:
    """In how many columns a legend of these labels fits, and how high it is in inches.

    The figure is made higher by that much, so a long legend takes nothing from the axes.
    """
    lines = [line for label in labels for line in label.split("\n")]
    widest = max((inches_of(line, LEGEND_POINTS) for line in lines), default=0.1)
    columns = int(figure_inches / (widest + _KEY_INCHES))
    columns = min(max(columns, 1), _MOST_COLUMNS)
    return columns, _ROW_INCHES * max(-(-len(labels) // columns), len(lines) // columns)


def legend_below(figure: Figure, labels: Sequence[str]) -> None:
    """A legend under the axes, in as many columns as its longest label leaves room for."""
    columns, _ = legend_shape(labels, figure.get_figwidth())
    figure.legend(loc="outside lower center", ncols=columns)


def _cut(line: str, inches: float, points: float, weight: str) -> list[str]:
    """A line without a place to break, cut when it is full."""
    if inches_of(line.rstrip(), points, weight=weight) <= inches:
        return [line]
    starts = accumulate(line)
    fits = [start for start in starts if inches_of(start, points, weight=weight) <= inches]
    first = fits[-1] if fits else line[0]
    return [
        first,
        *(_cut(line[len(first) :], inches, points, weight) if line[len(first) :] else []),
    ]
