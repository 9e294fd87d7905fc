"""How alike two pictures are once one is shifted, turned and scaled onto the other.

For a picture q and a real one b it looks for the similarity transform of pixel centres in [−1, 1]²,

    W_p(x, y) = ((1 + a) x − c y + t_x, c x + (1 + a) y + t_y),    p = (a, c, t_x, t_y),

that makes b(W_p) most like q, by zero-normalised correlation over the overlap M:

    ρ(p) = ⟨q̂, b̂⟩,    q̂ = (q − mean_M q) / ‖q − mean_M q‖_M  for each channel's mean, the same for b̂ of b(W_p)

Gauss–Newton on ‖q̂ − b̂‖², whose gradient leaves out what brightness and contrast change (Evangelidis and
Psarakis 2008, "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization"), first on
half-size pictures from three starts (`coarse`), then on whole ones (`fine`). In the end of both the tenth of
M that fits worst is left out: something that covers a part of a copy doesn't hide it.
"""

import torch
from torch import Tensor
from torch.nn import functional

COARSE_STEPS, FINE_STEPS = 8, 6
MIN_OVERLAP = 0.5  # of the picture; with less, any two pictures agree somewhere
KEPT = 0.9  # of the overlap, in the last correlation
_TRIMMINGS = 3
_ZOOMED_IN = -0.18  # the start for a copy that shows an inner part: between crops of 3/4 and 7/8
_DAMPING = 1e-3  # relative, of Levenberg and Marquardt
_LEAST = 1e-3  # of a norm that something is divided by
# Beyond these no view is looked for: scales 0.65 … 1.5, 20°, a quarter of the side.
_LOWEST = torch.tensor([-0.35, -0.35, -0.5, -0.5])
_HIGHEST = torch.tensor([0.5, 0.35, 0.5, 0.5])
_LONGEST_STEP = 0.25


def coarse(q: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The best p [n, 4] and trimmed ρ [n] of pictures q and b [n, c, h, w] at half their size."""
    best = torch.full((len(q),), -torch.inf)
    place = torch.zeros(len(q), 4)
    half, half_b = _halved(q), _halved(b)
    for start in _starts(half, half_b):
        found, ρ = _register(half, half_b, start, COARSE_STEPS)
        is_better = ρ > best
        best = torch.where(is_better, ρ, best)
        place = torch.where(is_better[:, None], found, place)
    return place, _trimmed(half, half_b, place)


def fine(q: Tensor, b: Tensor, p: Tensor) -> Tensor:
    """The trimmed ρ [n] of pictures q and b [n, c, h, w] from a coarse p [n, 4]."""
    found, _ = _register(q, b, p, FINE_STEPS)
    return _trimmed(q, b, found)


def _starts(q: Tensor, b: Tensor) -> list[Tensor]:
    """Three p [n, 4]: unmoved, an inner part, and the shift with the largest correlation."""
    unmoved = torch.zeros(len(q), 4)
    inner = unmoved.clone()
    inner[:, 0] = _ZOOMED_IN
    shifted = unmoved.clone()
    shifted[:, 2:] = _best_shift(q, b)
    return [unmoved, inner, shifted]


def _register(q: Tensor, b: Tensor, p: Tensor, num_steps: int) -> tuple[Tensor, Tensor]:
    """The best p [n, 4] on the way from a start, and its ρ [n]; -1 where too little overlaps."""
    x, y = _centres(q)
    views = torch.cat([b, *_slopes(b)], 1)  # b and its derivatives are moved together
    best, best_p = torch.full((len(q),), -torch.inf), p
    for step in range(num_steps + 1):
        moved, overlap = _moved(views, p, x, y)
        value, along_x, along_y = moved.chunk(3, 1)
        q_hat, _ = _normalised(q, overlap)
        b_hat, norm = _normalised(value, overlap)
        ρ = (q_hat * b_hat).flatten(1).sum(1)
        ρ = torch.where(overlap.mean((1, 2, 3)) < MIN_OVERLAP, -1.0, ρ)
        is_better = ρ > best
        best = torch.where(is_better, ρ, best)
        best_p = torch.where(is_better[:, None], p, best_p)
        if step < num_steps:
            slopes = torch.stack(
                [along_x * x + along_y * y, along_y * x - along_x * y, along_x, along_y], 1
            )
            p = _stepped(p, _jacobian(slopes, b_hat, overlap, norm), q_hat, b_hat, ρ)
    return best_p, best


def _jacobian(slopes: Tensor, b_hat: Tensor, overlap: Tensor, norm: Tensor) -> Tensor:
    """∂b̂/∂p [n, 4, c·h·w] from ∂b/∂p [n, 4, c, h, w]."""
    inside = overlap[:, None]
    weights = inside / inside.sum((3, 4), keepdim=True).clamp(min=1)
    centred = (slopes - (slopes * weights).sum((3, 4), keepdim=True)) * inside
    flat = (centred / norm[:, None, None, None, None]).flatten(2)
    flat_b = b_hat.flatten(1)
    return flat - (flat @ flat_b[:, :, None]) * flat_b[:, None]


def _stepped(p: Tensor, jacobian: Tensor, q_hat: Tensor, b_hat: Tensor, ρ: Tensor) -> Tensor:
    """p after one damped Gauss–Newton step, within the views that are looked for."""
    residual = q_hat.flatten(1) - ρ[:, None] * b_hat.flatten(1)
    normal = jacobian @ jacobian.transpose(1, 2)
    diagonal = normal.diagonal(dim1=1, dim2=2)
    damped = normal + torch.diag_embed(_DAMPING * diagonal + 1e-9)
    wanted = (jacobian @ residual[:, :, None]) / ρ.clamp(min=0.2)[:, None, None]
    step = torch.linalg.solve(damped, wanted)[:, :, 0].clamp(-_LONGEST_STEP, _LONGEST_STEP)
    return torch.maximum(torch.minimum(p + step, _HIGHEST), _LOWEST)


def _trimmed(q: Tensor, b: Tensor, p: Tensor) -> Tensor:
    """ρ [n] over the KEPT share of the overlap that fits best, found in a few rounds."""
    moved, overlap = _moved(b, p, *_centres(q))
    num_left_out = (overlap.flatten(1).sum(1) * (1 - KEPT)).long()
    kept = overlap
    for _ in range(_TRIMMINGS):
        q_hat, b_hat = _normalised(q, kept)[0], _normalised(moved, kept)[0]
        # Means over 3 × 3 pixels: what covers a copy is a patch, and noise is not.
        error = ((q_hat - b_hat) ** 2).sum(1, keepdim=True)
        error = functional.avg_pool2d(error, 3, 1, 1, count_include_pad=False)
        inside = torch.where(overlap > 0, error, -1.0).flatten(1)
        place = inside.argsort(stable=True, dim=1, descending=True).argsort(1)
        kept = overlap * (place >= num_left_out[:, None]).view_as(overlap)
    q_hat, b_hat = _normalised(q, kept)[0], _normalised(moved, kept)[0]
    ρ = (q_hat * b_hat).flatten(1).sum(1)
    return torch.where(overlap.mean((1, 2, 3)) < MIN_OVERLAP, -1.0, ρ)


def _normalised(pictures: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """[n, c, h, w] less their channels' means, with norm 1 where `inside` [n, 1, h, w]; the norms [n]."""
    weights = inside / inside.sum((2, 3), keepdim=True).clamp(min=1)
    centred = (pictures - (pictures * weights).sum((2, 3), keepdim=True)) * inside
    norm = centred.flatten(1).norm(dim=1).clamp(min=_LEAST)
    return centred / norm[:, None, None, None], norm


def _moved(b: Tensor, p: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """b(W_p) [n, c, h, w], and where it shows b: 1 or 0, [n, 1, h, w]."""
    a, c, t_x, t_y = (each[:, None, None] for each in p.unbind(1))
    there = torch.stack([(1 + a) * x - c * y + t_x, c * x + (1 + a) * y + t_y], -1)
    sides = torch.tensor([b.shape[3], b.shape[2]], dtype=torch.float32)
    is_inside = (there.abs() <= 1 - 1 / sides + 1e-4).all(-1)
    shown = functional.grid_sample(b, there, padding_mode="border", align_corners=False)
    return shown, is_inside[:, None].float()


def _centres(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """x and y of pixel centres in [−1, 1], each [h, w]."""
    h, w = pictures.shape[2:]
    y, x = torch.meshgrid(
        (torch.arange(h) - (h - 1) / 2) * (2 / h),
        (torch.arange(w) - (w - 1) / 2) * (2 / w),
        indexing="ij",
    )
    return x, y


def _slopes(b: Tensor) -> tuple[Tensor, Tensor]:
    """∂b/∂x and ∂b/∂y by central differences, each [n, c, h, w]."""
    h, w = b.shape[2:]
    wide = functional.pad(b, (1, 1, 0, 0), mode="replicate")
    tall = functional.pad(b, (0, 0, 1, 1), mode="replicate")
    along_x = (wide[..., 2:] - wide[..., :-2]) * (w / 4)
    along_y = (tall[..., 2:, :] - tall[..., :-2, :]) * (h / 4)
    return along_x, along_y


def _halved(pictures: Tensor) -> Tensor:
    """[n, c, ⌈h/2⌉, ⌈w/2⌉]: means over areas."""
    h, w = pictures.shape[2:]
    return functional.adaptive_avg_pool2d(pictures, ((h + 1) // 2, (w + 1) // 2))


def _best_shift(q: Tensor, b: Tensor) -> Tensor:
    """The (t_x, t_y) [n, 2], at most a quarter of a side, at which q and the shifted b correlate most."""
    h, w = q.shape[2:]
    size = (2 * h, 2 * w)  # padded, so that what leaves on one side doesn't come back on the other
    spectra = (torch.fft.rfft2(each - each.mean((2, 3), keepdim=True), s=size) for each in (q, b))
    of_q, of_b = spectra
    correlation = torch.fft.irfft2((of_b * of_q.conj()).sum(1), s=size)
    up, across = _offsets(h), _offsets(w)
    near = correlation[:, up][:, :, across].flatten(1).argmax(1)
    rows, columns = up[near // len(across)], across[near % len(across)]
    return torch.stack([columns * (2 / w), rows * (2 / h)], 1)


def _offsets(side: int) -> Tensor:
    """0, 1, …, side/4, −side/4, …, −1: also places of a cyclic correlation, as negative indices."""
    most = side // 4
    return torch.cat([torch.arange(most + 1), torch.arange(-most, 0)])
