"""A step's batch in equal parts: dealt to ranks, and by each rank to micro-batches.

    ∇L(batch) = 1/P Σ_p ∇L(part p),   P parts of equally many rows

holds because every loss is a mean over samples. So gradients can be computed on several devices (Goyal et
al. 2017, Sec. 3) or one after another on one. Random numbers must then belong to samples, not to the
order of computing: `training.draws: sample` gives each sample a separate stream, as counter-based
generators allow (Salmon et al. 2011). What looks at a whole batch, as batch normalisation does, can't be
split.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.losses.shared_batch_norm import SharedBatchNorm2d
from kdm.objective import Losses, Objective
from kdm.randomness.draws import drawing_from
from kdm.randomness.sample_draws import SampleDraws
from kdm.shapes import Indices
from kdm.training.divided import num_micro_batches, require_divisible
from kdm.training.mirrored import mirrored
from kdm.training.options import TrainingOptions
from kdm.training.ranks import Ranks


class Part(NamedTuple):
    """What passes a model at once, and where its rows (m,) are in the step's batch."""

    batch: Batch
    place: Indices  # (m,), 0 … batch_size − 1


class Parts:
    """A rank's parts of each step, and the source of their random numbers.

    Raises a ValueError if so many ranks can't share a step evenly.
    """

    def __init__(self, options: TrainingOptions, ranks: Ranks) -> None:
        require_divisible(options, ranks.count)
        self._options, self._ranks = options, ranks
        self._draws: SampleDraws | None = None
        if options.draws == "sample":
            self._draws = SampleDraws(options.seed)

    def of(self, batch: Batch, step: int) -> list[Part]:
        """The parts of this rank's rows of a step, which are dealt round-robin, as they are to ranks.

        So the first rows of the step's batch are the first rows of its parts, spread evenly.
        """
        size, count = self._options.batch_size, self._ranks.count
        place = torch.arange(self._ranks.rank, size, count, device=batch.x_0.device)
        num_own = num_micro_batches(self._options, count)
        if self._options.mirror:
            batch = mirrored(batch, place, seed=self._options.seed, step=step)
        if num_own * count == 1:
            return [Part(batch, place)]
        return [
            Part(_rows(batch, slice(first, None, num_own), num_own * count), place[first::num_own])
            for first in range(num_own)
        ]

    @contextmanager
    def drawing(self, step: int, part: Part) -> Iterator[None]:
        """A context in which random draws are seeded per step, or per sample.

        Raises a ValueError at its end if `draws` is 'sample' and the model drew from torch's own
        generator: its numbers would depend on the number of ranks.
        """
        if self._draws is None:
            yield
            return
        device = part.place.device
        before = _generators(device)
        with drawing_from(self._draws.turn_to(step, part.place)):
            yield
        if not torch.equal(before, _generators(device)):
            raise ValueError(
                "training.draws is 'sample', but this model draws from torch's own generator, which "
                "knows nothing of samples; draw through kdm.randomness.draws, or set draws to 'step'"
            )


def require_whole_batches(objective: Objective, options: TrainingOptions, ranks: Ranks) -> None:
    """Raise a ValueError if a module normalises by statistics of the whole batch, and parts differ.

    `SharedBatchNorm2d` has the statistics of all ranks, but not of several micro-batches.
    """
    num_own = num_micro_batches(options, ranks.count)
    for name, module in _normalising(objective):
        if num_own > 1:
            raise ValueError(
                f"'{name}' normalises by the statistics of a whole batch, which no micro-batch has; "
                "leave training.micro_batch out, or choose a critic that does not "
                "(adversary.kind relativistic)"
            )
        if ranks.count > 1 and not isinstance(module, SharedBatchNorm2d):
            raise ValueError(
                f"'{name}' has a {type(module).__name__}, whose statistics are a rank's own; build it "
                "by kdm.losses.shared_batch_norm, or train on one rank"
            )


def mean_losses(losses: list[Losses]) -> Losses:
    """The mean of several parts' losses, without gradients; those of a single part are as they are."""
    if len(losses) == 1:
        return losses[0]
    total = torch.stack([each.total.detach() for each in losses]).mean()
    terms = {
        name: torch.stack([each.terms[name] for each in losses]).mean() for name in losses[0].terms
    }
    return Losses(total, terms)


def _normalising(objective: Objective) -> Iterator[tuple[str, nn.Module]]:
    """The batch normalisations of all players, each with the name of its player."""
    for player in objective.players:
        for module in player.module.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                yield player.name, module


def _rows(batch: Batch, rows: slice, num_parts: int) -> Batch:
    """A copy of these rows of a batch, as one of `num_parts` parts of the step's batch."""
    columns = {
        name: column[rows].contiguous()
        for name in ("index", "x_0", "x_T", "label", "states")
        if (column := getattr(batch, name)) is not None
    }
    return replace(batch, **columns, num_parts=num_parts)


def _generators(device: torch.device) -> Tensor:
    """The state, as bytes, of the generators that a model on this device could draw from."""
    own = torch.get_rng_state()
    return own if device.type == "cpu" else torch.cat([own, torch.cuda.get_rng_state(device)])
