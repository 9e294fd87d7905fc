"""How often and how strongly pictures are augmented (Karras et al. 2022, App. F.2)."""

from pydantic import Field

from storage.options import Options

NUM_LABELS = 9  # mirrored, upside down; scale; rotation (2); stretch (2); shift (2)


class Augmentation(Options):
    """How often and how strongly each kind of augmentation is applied.

    A strength of 0 leaves its kind out, and its labels are 0. The defaults are the paper's for CIFAR-10.
    """

    probability: float = Field(0.12, ge=0, le=1)  # of each kind (page: .15 for 64 pixels a side)
    mirrors: bool = True  # left and right, in half of all images unless `probability` is 0
    upends: bool = True  # above and below, in half of those chosen
    scale: float = Field(0.2, ge=0, le=1)  # standard deviation, in octaves
    rotation: float = Field(1.0, ge=0, le=1)  # half turns at most, either way
    stretch: float = Field(0.2, ge=0, le=1)  # along a random axis, in octaves; squeezed across it
    shift: float = Field(0.125, ge=0, le=1)  # standard deviation along each axis, in image sides
