"""The published generation of EDM, from the clone that a user has: nothing of it is in this project."""

import importlib
import itertools
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from PIL import Image

from benchmarks.sides import answer


def serve(clone: str, folder: str, channels: str, batch: str, device: str) -> None:
    """Its sampler and network; and all that its `generate.py` does, but for printing, to PNG files."""
    torch.set_num_threads(1)
    sys.path.insert(0, clone)
    generate = importlib.import_module("generate")
    net = _network(Path(folder), int(channels)).to(device)
    latents = torch.from_numpy(np.load(f"{folder}/latents.npy")).to(device)
    pictures, first_seeds = Path(folder, "published"), itertools.count(step=int(batch))
    pictures.mkdir()

    def sample() -> None:
        drawn = generate.StackedRandomGenerator(device, range(len(latents)))
        x_0 = generate.edm_sampler(net, latents, randn_like=drawn.randn_like)
        np.save(f"{folder}/published.npy", x_0.cpu().numpy())

    def generate_to_files() -> None:
        first = next(first_seeds)
        seeds = range(first, first + int(batch))
        drawn = generate.StackedRandomGenerator(device, seeds)
        noise = drawn.randn([len(seeds), 3, 32, 32], device=device)
        x_0 = generate.edm_sampler(net, noise, randn_like=drawn.randn_like)
        in_bytes = x_0.mul(127.5).add(128).clip(0, 255).to(torch.uint8)
        for seed, pixels in zip(seeds, in_bytes.permute(0, 2, 3, 1).cpu().numpy(), strict=True):
            Image.fromarray(pixels).save(pictures / f"{seed:06d}.png")

    answer({"sample": sample, "generate": generate_to_files})


def _network(folder: Path, channels: int) -> torch.nn.Module:
    networks = importlib.import_module("training.networks")
    net = networks.EDMPrecond(
        img_resolution=32,
        img_channels=3,
        model_type="SongUNet",
        model_channels=channels,
        channel_mult=[2, 2, 2],
        dropout=0,
    )
    weights = safetensors.torch.load_file(folder / "weights.safetensors")
    net.load_state_dict({name.removeprefix("denoiser."): each for name, each in weights.items()})
    return net.eval().requires_grad_(False)  # as in the published pickles
