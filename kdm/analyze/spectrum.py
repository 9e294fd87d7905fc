"""Eigenvalues of a student's operator in the complex plane (Sec. 6.1 and App. C)."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from kdm.analyze.picture import INK, PALETTE, headline, new_figure, picture, plane


@picture
def spectrum(eigenvalues: NDArray[np.complexfloating], title: str) -> Figure:
    """Eigenvalues [d] with the unit circle: inside it a direction of the latent space shrinks."""
    modulus = np.abs(eigenvalues)
    figure = new_figure(2.9, 3.1)
    headline(figure, title)
    axes = figure.subplots()
    plane(axes, 1.1 * max(1.0, float(modulus.max())))
    axes.axhline(0, color="#e4e7eb", linewidth=0.8, zorder=0)
    axes.axvline(0, color="#e4e7eb", linewidth=0.8, zorder=0)
    axes.add_patch(Circle((0, 0), 1, fill=False, color=INK, linewidth=1.0, linestyle="--"))
    axes.scatter(
        eigenvalues.real, eigenvalues.imag, s=13, color=PALETTE[4], alpha=0.75, linewidths=0
    )
    axes.set_title(f"{len(modulus):,} eigenvalues, |λ| ≤ {modulus.max():.3g}")
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ")
    return figure
