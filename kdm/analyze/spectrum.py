"""Eigenvalues of a student's operator C in the complex plane (arXiv 2505.13358, Sec. 6.1 and App. C).

A Koopman student maps z_0 = C z_T in its latent space. With C = V diag(λ) V⁻¹, the component along an
eigenvector is multiplied by λ: |λ| < 1 fades on the way from noise to data, |λ| near 1 is carried over,
|λ| > 1 grows, and the angle of λ is a rotation.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from kdm.analyze.picture import INK, PALETTE, headline, new_figure, picture, plane

_MAX_SHOWN = 4096  # dots; more can't be told apart, and make a picture of megabytes


@picture
def spectrum(eigenvalues: NDArray[np.complexfloating], title: str) -> Figure:
    """Eigenvalues λ [d], complex, with the unit circle: inside it a direction of the latent space shrinks.

    The window is as wide as the largest of them, and never narrower than the circle. Of very many it shows
    every k-th.
    """
    modulus = np.abs(eigenvalues)
    figure = new_figure(2.9, 3.1)
    headline(figure, title)
    axes = figure.subplots()
    plane(axes, 1.1 * max(1.0, float(modulus.max())))
    axes.axhline(0, color="#e4e7eb", linewidth=0.8, zorder=0)
    axes.axvline(0, color="#e4e7eb", linewidth=0.8, zorder=0)
    axes.add_patch(Circle((0, 0), 1, fill=False, color=INK, linewidth=1.0, linestyle="--"))
    shown = eigenvalues[:: -(-len(eigenvalues) // _MAX_SHOWN)]
    axes.scatter(shown.real, shown.imag, s=13, color=PALETTE[4], alpha=0.75, linewidths=0)
    axes.set_title(f"{len(modulus):,} eigenvalues, |λ| ≤ {modulus.max():.3g}")
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ")
    return figure
