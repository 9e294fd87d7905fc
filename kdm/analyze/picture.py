"""How every picture looks, and how a figure becomes PNG bytes that a repeated run reproduces.

One style for all, regardless of the user's matplotlibrc. Colours are Okabe & Ito's (2008), which
differ in all common colour blindness; lines differ by dashes and markers too.
"""

import io
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, ParamSpec

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from kdm.analyze.lettering import FONT, LEGEND_POINTS, in_lines

Parameters = ParamSpec("Parameters")

INK = "#1f2933"
QUIET = "#c3cad3"  # samples that are only the background
ACCENT = "#d55e00"  # vermilion (Okabe & Ito 2008): the thing to look at
# Okabe & Ito's eight colours (told apart in all common colour blindness), black made softer.
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#4b5563",
)  # fmt: skip
# Of the palette for lines: dark colours first, yellow last.
_LINE_ORDER = (4, 5, 2, 0, 6, 1, 7, 3)
# Then darker ones; further lines differ in their dashes.
_MORE_LINES = (
    "#7f3c8d",
    "#80391e",
    "#11a579",
    "#3969ac",
    "#a5aa00",
    "#e73f74",
    "#1b1b1b",
    "#8c8c8c",
)
LINE_COLOURS = (*(PALETTE[each] for each in _LINE_ORDER), *_MORE_LINES)
DASHES = ("-", "--", "-.", ":")  # a second way to tell lines apart
MARKERS = "os^D"  # and a third, of lines that may be a single point

TITLE_POINTS = 9.5  # of axes
STYLE = {
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE_POINTS,
    "axes.labelsize": 8.5,
    "font.family": FONT,
    "font.size": 8.5,
    "legend.frameon": False,
    "legend.fontsize": LEGEND_POINTS,
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
}
_DOTS_PER_INCH = 160


def picture(draw: Callable[Parameters, Figure]) -> Callable[Parameters, bytes]:
    """Make a function that draws a figure one that returns its PNG, in the project's style.

    The user's matplotlibrc and the display don't matter, so the same arrays give the same bytes.
    """

    @wraps(draw)
    def render(*args: Parameters.args, **kwargs: Parameters.kwargs) -> bytes:
        with style.context(["default", STYLE]):
            figure = draw(*args, **kwargs)
            return _png(figure, has_photographs=bool(figure.images))

    return render


class Drawn(NamedTuple):
    """A figure as PNG, and as SVG for print."""

    png: bytes
    svg: bytes


def drawn(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Drawn]:
    """As `picture`, with the figure's SVG too; equal arrays give equal bytes of both."""

    @wraps(draw)
    def render(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Drawn:
        with style.context(["default", {**STYLE, "svg.hashsalt": "kdm"}]):
            figure = draw(*args, **kwargs)
            has_photographs = any(axes.images for axes in figure.axes)
            return Drawn(_png(figure, has_photographs=has_photographs), _svg(figure))

    return render


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, on a canvas that needs no display."""
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def pixels_across(pixels: int) -> float:
    """So many pixels in inches."""
    return pixels / _DOTS_PER_INCH


def pixels_in(inches: float) -> int:
    """So many inches in whole pixels."""
    return math.ceil(inches * _DOTS_PER_INCH)


def headline(figure: Figure, words: str) -> None:
    """The figure's title, in as many lines as it needs; a name in it is never read as a formula."""
    points, weight = 11, "bold"
    shown = in_lines(words, 0.95 * figure.get_figwidth(), points, weight=weight)
    figure.suptitle(
        shown, x=0.02, ha="left", fontsize=points, fontweight=weight, color=INK, parse_math=False
    )


def line_style(line: int) -> dict[str, Any]:
    """How a picture's line number `line` is drawn: sixteen colours, then the same with other dashes.

    Readers with any common colour blindness can tell the first eight apart.
    """
    turn = line // len(LINE_COLOURS) + line
    return {
        "linewidth": 1.2,
        "color": LINE_COLOURS[line % len(LINE_COLOURS)],
        "linestyle": DASHES[turn % len(DASHES)],
    }


def plane(axes: Axes, half_side: float) -> None:
    """Make the axes a square window of the plane, ±half_side, with the same scale both ways."""
    axes.set_xlim(-half_side, half_side)
    axes.set_ylim(-half_side, half_side)
    axes.set_aspect("equal")
    axes.locator_params(nbins=5)


def _svg(figure: Figure) -> bytes:
    """The figure as SVG without a date; letters are paths, so that no font is missing anywhere."""
    data = io.BytesIO()
    figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    return data.getvalue()


def _png(figure: Figure, *, has_photographs: bool) -> bytes:
    """The figure as a PNG without a date: in 256 colours unless it holds photographs."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    image = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    colours = image.convert("RGB")
    if not has_photographs:
        # 256 colours are enough for dots and lines and take a third of the bytes.
        colours = colours.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    data = io.BytesIO()
    colours.save(data, format="PNG", optimize=True)  # no date is written
    return data.getvalue()
