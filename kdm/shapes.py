"""The shapes of this project's tensors, named once; jaxtyping checks them at run time in the tests.

n samples in a batch, d numbers in a latent, '...' the shape of one sample: (d,) or (C, H, W). A name that
occurs twice in a signature must have the same size in both places; `_` may be any size.
"""

from jaxtyping import Complex64, Float, Int64

from kdm.torch_types import Tensor

Samples = Float[Tensor, "n ..."]
AnyNumber = Float[Tensor, "_ ..."]  # of samples, for any n
States = Float[Tensor, "n states ..."]  # of trajectories, from noise to data
Points = Float[Tensor, "n c"]  # flat samples
Outputs = Float[Tensor, "n o"]
Latents = Float[Tensor, "n d"]
Indices = Int64[Tensor, "n"]
Labels = Int64[Tensor, "n"]
Numbers = Int64[Tensor, "m"]  # of times: one a sample, or one for all
Matrix = Float[Tensor, "d d"]
Vector = Float[Tensor, "d"]
# Complex numbers in real arithmetic: the first axis is (real part, imaginary part).
ComplexMatrix = Float[Tensor, "2 d d"]
ComplexVector = Float[Tensor, "2 d"]
Eigenvalues = Complex64[Tensor, "d"]
Logits = Float[Tensor, "n patches"]  # of a critic
Scalar = Float[Tensor, ""]
