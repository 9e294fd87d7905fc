"""Which points of the stored trajectories a step of kdm-t looks at: where latents start, and where they go.

Numbers of times are a `Trajectory`'s: 0 is x_T, 1 … K the stored states, K + 1 is x_0. Random choices belong
to samples (kdm/randomness/draws.py), so that ranks and micro-batches make the same ones.
"""

from typing import NamedTuple

import torch

from kdm.batch import Batch
from kdm.randomness.draws import draws
from kdm.shapes import Indices, Numbers, Samples


class Points(NamedTuple):
    """x (r, ...) in the pairs' units and the number of its time (r,)."""

    x: Samples
    number: Numbers


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


def chosen_starts(batch: Batch, begun: Points, num_rows: int) -> Indices:
    """For each of the first samples one of its starts, all equally likely: rows (m,) of `begun`."""
    (u,) = draws().uniform((1, num_rows), like=batch.x_0, axis=1)
    num_samples = len(batch.x_0)
    blocks = len(begun.number) // num_samples
    chosen: Indices = (u * blocks).long() * num_samples + torch.arange(num_rows, device=u.device)
    return chosen


def onward(batch: Batch, number: Numbers, *, to_data: bool = True) -> Points:
    """A random later time (m,) of each of the first samples, and x there (m, ...).

    Each is after `number` (m,), and x_0 is one of them unless `to_data` is off.
    """
    x_0, between = batch.x_0[: len(number)], batch.between()[: len(number)]
    last = between.shape[1] + 1
    (v,) = draws().uniform((1, len(number)), like=x_0, axis=1)
    num_later = last - number if to_data else last - 1 - number
    later = number + 1 + (v * num_later).long()
    row = torch.arange(len(number), device=x_0.device)
    state = between[row, later.clamp(max=last - 1) - 1]
    is_data = (later == last).reshape(-1, *[1] * (x_0.ndim - 1))
    return Points(torch.where(is_data, x_0, state), later)
