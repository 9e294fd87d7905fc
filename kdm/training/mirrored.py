"""Mirrored pairs: half of a step's samples, chosen at random, with their left and right exchanged.

    (x_T, x_0) → (M x_T, M x_0),   M the mirror

A teacher that learned from mirrored pictures is nearly symmetric: Φ(M x_T) ≈ M Φ(x_T). Then a mirrored
pair is one more of its pairs, for nothing (SlimFlow, Zhu et al. 2024, does so). Of a teacher that isn't,
as for digits, it is a wrong pair: `kdm pairs symmetry` asks the teacher.

Whether a sample is mirrored is a pure function of seed, step and the sample's place in the step's batch: the
same on any number of ranks, in any micro-batches and after any interruption.
"""

import hashlib
from dataclasses import replace

import torch

from kdm.batch import Batch
from kdm.randomness.keyed_words import Words, words
from kdm.shapes import Indices, Samples


def mirrored(batch: Batch, place: Indices, *, seed: int, step: int) -> Batch:
    """The batch with about half of its samples mirrored; labels and indices stay.

    Samples are pictures (n, c, h, w), and `place` (n,) their places in the step's batch.
    """
    chosen = _coins(place, seed, step)[:, None, None, None]
    x_T = None if batch.x_T is None else _mirror(batch.x_T, chosen)
    states = batch.states
    if states is not None:
        states = torch.where(chosen[:, None], states.flip(-1), states)
    return replace(batch, x_0=_mirror(batch.x_0, chosen), x_T=x_T, states=states)


def _mirror(x: Samples, chosen: torch.Tensor) -> Samples:
    return torch.where(chosen, x.flip(-1), x)


def _coins(place: Indices, seed: int, step: int) -> torch.Tensor:
    digest = hashlib.sha256(f"{seed}/{step}/mirror".encode()).digest()
    key: Words = torch.tensor([[int.from_bytes(digest[:8], "big", signed=True)]])
    return (words(key.to(place.device), 1, first=place[:, None]) & 1).bool()[:, 0]
