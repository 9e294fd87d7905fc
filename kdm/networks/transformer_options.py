"""How large the network of GET is."""

from pydantic import Field, model_validator

from storage.options import Options

Grid = tuple[int, int]  # rows and columns of patches


class EquilibriumOptions(Options):
    """Sizes; the defaults are GET-S."""

    width: int = Field(512, ge=4, le=2**16)  # D, numbers a token
    depth: int = Field(6, ge=1, le=1000)  # injection blocks
    num_heads: int = Field(8, ge=1)
    equilibrium_ratio: int = Field(8, ge=1)  # hidden width of an equilibrium block's MLP over D
    patch_size: int = Field(2, ge=1)  # pixels a side

    @model_validator(mode="after")
    def _check(self) -> "EquilibriumOptions":
        if self.width % 4 or self.width % self.num_heads:
            raise ValueError(
                f"width is {self.width}; 4 must divide it (sines and cosines of two axes), and so "
                f"must num_heads, {self.num_heads}"
            )
        return self

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Rows and columns of patches; a ValueError for samples that have none."""
        side = self.patch_size
        if len(shape) != 3:
            raise ValueError(
                f"a transformer of patches is for pictures, of shape (C, H, W), not {shape}; "
                "choose another student for points"
            )
        if shape[1] % side or shape[2] % side:
            raise ValueError(
                f"network.patch_size is {side}, which does not divide pictures of "
                f"{shape[1]}×{shape[2]} pixels; choose one that divides both"
            )
        return shape[1] // side, shape[2] // side
