"""What a critic sees of pictures: changed at random, so that it can't learn few pictures by heart.

    D(T x_0),  D(T x_0^),   T the same for both pictures of a pair, and new at each step

Both the teacher's pictures and the student's are changed, and gradients pass through T to the student
(Zhao et al. 2020, DiffAugment). Each kind of change is made to a sample with probability p < 1, so that the
student doesn't learn the changes themselves (Karras et al. 2020, Sec. 2.2). p may grow while the game is
played: R3GAN's goes from 0 to .55.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from kdm.losses.course import Course, Ramp, at, ends
from kdm.networks.image_shapes import Images
from storage.options import Options

if TYPE_CHECKING:
    from torch import Tensor

_MOST = 0.8  # above it changes begin to leak into samples (Karras et al. 2020, Fig. 3)
_CONTRAST, _BRIGHTNESS = 0.35, 0.2  # deviations: of log2 of the factor, and of the sum (in −1 … 1)


class CriticAugmentation(Options):
    """Mirror images, shifts by whole pixels, and brightness with contrast, each with probability p."""

    probability: Course = Ramp(begin=0.0, end=0.55)  # p, of each kind of change
    mirrors: bool = True  # false where left and right matter, as in digits
    shift: float = Field(
        0.125, ge=0, le=0.5
    )  # at most this share of the side, up, down and sideways
    colours: bool = True  # whether brightness and contrast change

    @model_validator(mode="after")
    def _check(self) -> "CriticAugmentation":
        least, most = ends(self.probability)
        if least < 0 or most > _MOST:
            raise ValueError(
                f"augment.probability reaches from {least} to {most}; it must be within 0 and {_MOST}"
            )
        return self

    def drawn(self, like: Images, share: float) -> Callable[[Images], Images]:
        """A change T for pictures (n, c, h, w) like `like`, once `share` of the game is done.

        Its random numbers, the same for any pictures that it is given, come from `kdm.randomness.draws`.
        """
        from kdm.randomness.draws import draws  # torch: imported only to play

        n, probability = len(like), at(self.probability, share)
        chance = draws().uniform((n, 6), like=like)
        size = draws().normal((n, 2), like=like)
        chosen = (chance[:, :3] < probability).to(like.dtype)
        rows, columns = (
            self._shifts(chance[:, 4 + axis], like, axis, chosen[:, 1]) for axis in (0, 1)
        )
        if self.mirrors:
            turned = (chosen[:, 0] * (chance[:, 3] < 0.5)).bool()[:, None, None]
            columns = columns.where(~turned, columns.flip(2))
        factor = 2 ** (_CONTRAST * size[:, 0] * chosen[:, 2] * self.colours)
        added = _BRIGHTNESS * size[:, 1] * chosen[:, 2] * self.colours
        return lambda x: _changed(x, rows, columns) * _column(factor) + _column(added)

    def _shifts(self, uniform: "Tensor", like: Images, axis: int, chosen: "Tensor") -> "Tensor":
        """Matrices (n, side, side) that move rows or columns; what comes in from outside is 0."""
        import torch

        side = like.shape[2 + axis]
        most = int(self.shift * side)
        steps = ((uniform * (2 * most + 1)).floor() - most) * chosen
        place = torch.arange(side, device=like.device)
        moved = place[None, :, None] - place[None, None, :] == steps[:, None, None]
        return moved.to(like.dtype)


def _changed(x: Images, rows: "Tensor", columns: "Tensor") -> Images:
    """Products with matrices: their derivatives of any order are exact and the same at every run."""
    changed: Images = rows[:, None] @ x @ columns[:, None].mT
    return changed


def _column(values: "Tensor") -> "Tensor":
    return values[:, None, None, None]
