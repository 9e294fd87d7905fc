"""3×3 convolutions with a quarter of the multiplications (Lavin & Gray 2016, Sec. 4: F(4×4, 3×3)).

    4×4 pixels of the output = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

for a tile d of 6×6 pixels and a kernel g: a convolution is a product of polynomials, which is computed from
their values at six points. ⊙, summed over channels, is 36 products of matrices. Neighbouring tiles overlap
by two pixels. Results are those of a plain convolution up to rounding.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from kdm.networks.fast import processor
from kdm.networks.image_shapes import Images, Maps
from kdm.networks.plain import uses_own_kernels

AnyKernels = Float[Tensor, "o c k k"]
Kernels = Float[Tensor, "o c 3 3"]
Products = Float[Tensor, "36 c o"]
Biases = Float[Tensor, "o"]
Matrix = Float[Tensor, "rows columns"]
Columns = Float[Tensor, "pixels values"]

_TILE, _OUT = 6, 4  # pixels a side
# And infinity. With the usual 0, ±1, ±2 the error is three times that of a plain convolution; with these
# it is the same (256 channels: 1.6e-6 of the largest value).
_POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
_LEAST_WEIGHTS = (
    2**13
)  # channels in times out: with fewer the transforms cost what the products save
_LEAST_PIXELS = 32**2  # of a map, for the same reason
_VALUES_AT_ONCE = 2**17  # of the input, whose tiles then stay in the cache
_TILES_AT_ONCE = 2**7  # if kernels are kept: with fewer they are read too often


def is_faster(x: Images, weight: AnyKernels) -> bool:
    """Whether it is faster than torch's: on a CPU, float32, without gradients, wide and large maps.

    The answer depends on shapes and the processor's abilities, never on a timing.
    """
    height, width = x.shape[2:]
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and weight.shape[2:] == (3, 3)
        and weight[:, :, 0, 0].numel() >= _LEAST_WEIGHTS
        and height % _OUT == width % _OUT == 0
        and height * width >= _LEAST_PIXELS
        and not processor.has_wide_vectors()
        and uses_own_kernels()
    )


def convolve(x: Images, weight: Kernels, bias: Biases) -> Maps:
    """`conv2d(x, weight, bias, padding=1)` of x (n, c, h, w), in channels_last.

    h and w must be multiples of four.
    """
    at_once = max(1, _VALUES_AT_ONCE // x[0].numel())
    return multiply(x, points_of(weight), bias, at_once=at_once)


def transformed(weight: Kernels) -> Products:
    """G g Gᵀ of every kernel g (36, c, o), to keep for `multiply`; four times the memory of g."""
    return points_of(weight).contiguous()


def multiply(x: Images, kernels: Products, bias: Biases, *, at_once: int = 0) -> Maps:
    """`convolve` with kernels that are transformed already, `at_once` images at a time.

    0: as many as it takes for the products of matrices to be large enough.
    """
    num_in, num_out = kernels.shape[1:]
    at_once = at_once or max(1, _TILES_AT_ONCE * _OUT**2 // (x.shape[2] * x.shape[3]))
    y = x.new_empty(len(x), *x.shape[2:], num_out)
    for first in range(0, len(x), at_once):
        images, maps = x[first : first + at_once], y[first : first + at_once]
        tiles = (INPUT @ tiles_of(images)).view(len(kernels), -1, num_in)
        place(OUTPUT @ torch.bmm(tiles, kernels).flatten(1), bias, maps)
    return y.permute(0, 3, 1, 2)


def points_of(weight: Kernels) -> Products:
    """G g Gᵀ of every kernel g (o, c, 3, 3): (36, c, o)."""
    num_out, num_in = weight.shape[:2]
    kernels = KERNEL @ weight.permute(2, 3, 0, 1).reshape(9, -1)
    return kernels.view(-1, num_out, num_in).transpose(1, 2)


def tiles_of(x: Images) -> Columns:
    """(36, tiles · c): each pixel of all tiles of x (n, c, h, w), by image, tile and channel."""
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    tiles = padded.unfold(1, _TILE, _OUT).unfold(2, _TILE, _OUT)
    return tiles.permute(4, 5, 0, 1, 2, 3).reshape(_TILE**2, -1)


def place(pixels: Columns, bias: Biases, y: Images) -> None:
    """Write output pixels (16, tiles · o), plus the bias (o,), to their places in y (n, h, w, o)."""
    num, height, width, channels = y.shape
    across, down = height // _OUT, width // _OUT
    tiles = pixels.view(_OUT, _OUT, num, across, down, channels).permute(2, 3, 0, 4, 1, 5)
    torch.add(tiles, bias, out=y.view(num, across, _OUT, down, _OUT, channels))


def _powers(size: int) -> Matrix:
    """(6, size): takes `size` coefficients of a polynomial to its values at the six points."""
    powers = torch.tensor(_POINTS, dtype=torch.float64, device="cpu")[:, None] ** torch.arange(
        size, device="cpu"
    )
    return torch.cat([powers, torch.eye(size, dtype=torch.float64, device="cpu")[-1:]])


def _both_ways(matrix: Matrix) -> Tensor:
    """A transform of the rows and of the columns of a tile, as one matrix on flat tiles."""
    return torch.kron(matrix, matrix).float().contiguous()


KERNEL = _both_ways(_powers(3))
INPUT = _both_ways(torch.linalg.inv(_powers(_TILE)).T)
OUTPUT = _both_ways(_powers(_OUT).T)
