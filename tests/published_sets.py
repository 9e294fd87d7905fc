"""Small sets in the layouts that others publish, made here: smooth pictures, and noise of a scale."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

SHAPE = (3, 32, 32)
NUM_CLASSES = 10


class Layout(NamedTuple):
    """A published set: its key, its noise, and whether labels stand beside the pair."""

    key: str
    noise_is_first: bool
    scale: float = 80.0
    has_label: bool = False


# Table 1.11 of what is known of KDM's sets.
KDM_LAYOUTS = {
    "cifar": Layout("arr_0", noise_is_first=True),
    "cifar-test": Layout("arr_0", noise_is_first=False),
    "cifar-fm": Layout("arr1", noise_is_first=False, scale=1.0),
    "cifar-cond": Layout("endpoints", noise_is_first=False, has_label=True),
    "ffhq": Layout("arr_0", noise_is_first=False),
    "afhq": Layout("arr_0", noise_is_first=False),
}


@dataclass
class Made:
    """Pairs in memory: noise and pictures [n, 3, 32, 32] float32, labels [n]."""

    x_T: np.ndarray
    x_0: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.x_0)


def made(num: int, *, scale: float = 80.0, x_0: np.ndarray | None = None, seed: int = 0) -> Made:
    """Pairs of noise and pictures; pictures are blocks of colour with a little grain, or given."""
    draw = np.random.RandomState(seed)
    noise = (draw.standard_normal((num, *SHAPE)) * scale).astype(np.float32)
    if x_0 is None:
        coarse = draw.uniform(-1, 1, (num, 1, 4, 4)) + draw.uniform(-0.2, 0.2, (num, 3, 1, 1))
        fine = np.kron(coarse, np.ones((1, 1, 8, 8))) + 0.05 * draw.standard_normal((num, *SHAPE))
        x_0 = np.clip(fine, -1, 1).astype(np.float32)
    return Made(noise, x_0, draw.randint(NUM_CLASSES, size=num))


def one_hot(label: np.ndarray) -> np.ndarray:
    return np.eye(NUM_CLASSES, dtype=np.float32)[label]


def on_grid(x_0: np.ndarray) -> np.ndarray:
    """The nearest 8-bit pictures, as floats."""
    return (np.rint(x_0 * 127.5 + 127.5) / 127.5 - 1).astype(np.float32)


def write_kdm(
    folder: Path, pairs: Made, layout: Layout, *, between: np.ndarray | None = None
) -> Path:
    """One .npz a pair; `between` [n, K, 3, 32, 32] are states from noise to data."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in range(len(pairs)):
        states = [pairs.x_T[row], *([] if between is None else between[row]), pairs.x_0[row]]
        arrays = {layout.key: np.stack(states if layout.noise_is_first else states[::-1])}
        if layout.has_label:
            arrays["label"] = one_hot(pairs.label)[row]
        np.savez(folder / f"{row:06d}.npz", **arrays)
    return folder


def write_get(
    folder: Path, pairs: Made, *, has_label: bool = False, files: int = 2, **save
) -> Path:
    """`latent/N.pkl` and `image/N.pkl` as the two scripts of GET save them."""
    import torch

    for kind in ("latent", "image"):
        (folder / kind).mkdir(parents=True)
    for rows in np.array_split(np.arange(len(pairs)), files):
        name = f"{rows[-1]:09d}.pkl"
        latent = torch.from_numpy(pairs.x_T[rows])
        image = torch.from_numpy(pairs.x_0[rows])
        label = torch.from_numpy(one_hot(pairs.label[rows]))
        saved = [latent, label] if has_label else latent
        torch.save(saved, folder / "latent" / name, **save)
        torch.save(image if has_label else image.double(), folder / "image" / name, **save)
    return folder
