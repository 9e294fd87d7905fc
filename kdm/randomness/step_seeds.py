"""Random numbers as a pure function of (seed, step), so that no generator's state has to be saved.

    seed of step s = first 63 bits of sha256("seed/s")

A run that was stopped at any step draws from then on what it would have drawn. Counter-based generators
have the same property (Salmon et al. 2011); here torch's own are seeded again at each step.
"""

import hashlib
from collections.abc import Mapping

import torch

# By training.draws. Every checkpoint names its rule; a rule that changes must get a new name.
RULES: Mapping[str, str] = {
    "step": "torch generators seeded by sha256(seed/step), version 1",
    "sample": "words of sha256(seed/step/sample), the place in the batch and the call, version 1",
}


def seed_initial_weights(seed: int) -> None:
    """Seed torch's generators before a model is built: its weights then depend on `seed` alone."""
    _seed_all(f"{seed}/init")


def seed_step(seed: int, step: int) -> None:
    """Seed torch's generators for one step of training, 0 … num_steps − 1."""
    _seed_all(f"{seed}/{step}")


def _seed_all(text: str) -> None:
    """Seed the generators of the CPU and of all GPUs with a number of 63 bits from a text's digest."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    # torch.manual_seed without a GPU costs 90 µs a call: it queues a seeding for later each time.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(number)
