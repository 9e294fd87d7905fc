"""How large the network of GET is (Geng et al. 2023)."""

from pydantic import Field, model_validator

from storage.options import Options

Grid = tuple[int, int]  # rows and columns of patches


class EquilibriumOptions(Options):
    """Sizes; the defaults are those of GET-S, for 32×32 pictures of 256 tokens.

    The published sizes, as (width, depth, heads, ratio) and parameters for CIFAR-10 without
    classes: T (256, 6, 4, 6) 8.6M, M (384, 6, 6, 6) 19.2M, S (512, 6, 8, 8) 37.2M, B (768, 1, 12,
    12) 62.2M and B+ (768, 6, 12, 8) 83.5M. Each has three equilibrium blocks. Raises a ValueError
    if 4 or the heads don't divide the width.
    """

    width: int = Field(512, ge=4, le=2**16)  # D, numbers a token
    depth: int = Field(6, ge=1, le=1000)  # injection blocks
    num_heads: int = Field(8, ge=1)  # of attention; they divide the width
    equilibrium_ratio: int = Field(8, ge=1)  # hidden width of an equilibrium block's MLP over D
    patch_size: int = Field(2, ge=1)  # pixels a side

    @model_validator(mode="after")
    def _check(self) -> "EquilibriumOptions":
        if self.width % 4 or self.width % self.num_heads:
            raise ValueError(
                f"width is {self.width}; it must be a multiple of 4 (sines and cosines of two axes) "
                f"and of num_heads, {self.num_heads}"
            )
        return self

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Rows and columns of patches of samples (c, h, w); a ValueError if patches don't fit."""
        side = self.patch_size
        if len(shape) != 3:
            raise ValueError(
                f"a transformer of patches is for pictures, of shape (C, H, W), not {shape}; "
                "choose another student for points"
            )
        if shape[1] % side or shape[2] % side:
            raise ValueError(
                f"network.patch_size is {side}, which doesn't divide pictures of "
                f"{shape[1]}×{shape[2]} pixels; choose one that divides both"
            )
        return shape[1] // side, shape[2] // side
