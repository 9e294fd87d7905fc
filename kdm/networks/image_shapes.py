"""The shapes of image networks, named once.

n images; a map has channels, height and width; m is n, or 1 where all share a row.
"""

from jaxtyping import Float, Int64
from torch import Tensor

Images = Float[Tensor, "n c h w"]
Maps = Float[Tensor, "n o p q"]  # what a layer makes of images: other channels, another size
Heads = Float[Tensor, "n heads c pixels"]
Embeddings = Float[Tensor, "m e"]
Encodings = Float[Tensor, "m f"]
Times = Float[Tensor, "m"]  # also log-noise levels: one number an image, or one for all
TimesOrTime = Float[Tensor, "..."]
OneHot = Float[Tensor, "k labels"]  # k is n or 1
Augmentations = Float[Tensor, "k parameters"]
ClassLabels = Int64[Tensor, "n"]
