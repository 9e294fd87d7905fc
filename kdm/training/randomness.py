"""Random numbers as a pure function of (seed, step): nothing of a generator need be saved."""

import hashlib
from collections.abc import Mapping

import torch

# By training.draws, named in every checkpoint; a change of a rule is a new name.
RULES: Mapping[str, str] = {
    "step": "torch generators seeded by sha256(seed/step), version 1",
    "sample": "words of sha256(seed/step/sample), the place in the batch and the call, version 1",
}


def seed_initial_weights(seed: int) -> None:
    """Seed torch's generators before a model is built."""
    _seed_all(f"{seed}/init")


def seed_step(seed: int, step: int) -> None:
    """Seed torch's generators for one step of training."""
    _seed_all(f"{seed}/{step}")


def _seed_all(text: str) -> None:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    # torch.manual_seed without a GPU costs 90 µs a call: it queues a seeding for later each time.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(number)
