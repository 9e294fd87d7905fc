"""Which points of the stored trajectories a step of kdm-t looks at: where latents start, and where they go.

Numbers of times are a `Trajectory`'s: 0 is x_T, 1 … K the stored states, K + 1 is x_0. Random choices belong
to samples (kdm/randomness/draws.py), so that ranks and micro-batches make the same ones.
"""

from typing import NamedTuple

import torch

from kdm.batch import Batch
from kdm.randomness.draws import draws
from kdm.shapes import Numbers, Samples


class Points(NamedTuple):
    """x (r, ...) in the pairs' units and the number of its time (r,)."""

    x: Samples
    number: Numbers


class Ways(NamedTuple):
    """From the rows `start` (m,) of some points to later ones of the same trajectories, (m, ...)."""

    start: Numbers
    end: Points


def starts(batch: Batch, num_states: int) -> Points:
    """x_T of each sample, then as many blocks of a random stored state of each; r is n (1 + `num_states`)."""
    x_T, none = batch.noise(), torch.zeros_like(batch.index)
    if not num_states:
        return Points(x_T, none)
    between = batch.between()
    u = draws().uniform((num_states, len(x_T)), like=x_T, axis=1)
    chosen = (u * between.shape[1]).long()
    rows = torch.arange(len(x_T), device=x_T.device).expand_as(chosen)
    states = between[rows, chosen].flatten(0, 1)
    return Points(torch.cat([x_T, states]), torch.cat([none, 1 + chosen.flatten()]))


def ways(batch: Batch, begun: Points, num_rows: int) -> Ways:
    """For each of the first samples, one of its starts and a random time after it, data included.

    `begun` is what `starts` gave; starts and times are equally likely.
    """
    x_0, between = batch.x_0[:num_rows], batch.between()[:num_rows]
    last = between.shape[1] + 1
    blocks = len(begun.number) // len(batch.x_0)
    u, v = draws().uniform((2, num_rows), like=x_0, axis=1)
    row = torch.arange(num_rows, device=x_0.device)
    start = (u * blocks).long() * len(batch.x_0) + row
    number = begun.number[start]
    later = number + 1 + (v * (last - number)).long()
    state = between[row, later.clamp(max=last - 1) - 1]
    is_data = (later == last).reshape(-1, *[1] * (x_0.ndim - 1))
    return Ways(start, Points(torch.where(is_data, x_0, state), later))
