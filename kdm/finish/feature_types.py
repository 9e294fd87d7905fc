"""Features of pictures as types."""

from collections.abc import Callable

from jaxtyping import Float

from kdm.shapes import Samples
from kdm.torch_types import Tensor

FeatureRows = Float[Tensor, "n d"]
FeatureMap = Callable[[Samples], FeatureRows]  # of pictures (n, 1 or 3, h, w) of −1 … 1
