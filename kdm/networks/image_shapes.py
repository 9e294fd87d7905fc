"""The shapes of image networks, named once; jaxtyping checks them at run time in the tests.

n images; a map has channels, height and width; m is n, or 1 if all images share a row. Inputs and
outputs of a layer have separate names, since a name means one size within a signature.
"""

from jaxtyping import Float, Int64

from kdm.torch_types import Tensor

Images = Float[Tensor, "n c h w"]
Maps = Float[Tensor, "n o p q"]  # what a layer makes of images: other channels, another size
Skips = list[Float[Tensor, "n _ _ _"]]  # maps of every size
Heads = Float[Tensor, "n heads channels pixels"]
Rows = Float[Tensor, "n heads pixels channels"]
Embeddings = Float[Tensor, "rows e"]  # rows is n, or 1 for all
Encodings = Float[Tensor, "m waves"]  # two a frequency
Times = Float[Tensor, "m"]  # also log-noise levels: one number an image, or one for all
Frequencies = Float[Tensor, "f"]
TimesOrTime = Float[Tensor, "..."]
OneHot = Float[Tensor, "k labels"]  # k is n or 1
Augmentations = Float[Tensor, "a parameters"]  # a is n or 1
ClassLabels = Int64[Tensor, "n"]
