"""The processes that train together, one for each device: each learns from its rows of every batch.

    g = 1/R Σ_r ∇L(rows of rank r),   θ ← Adam(θ, g) on every rank

This is synchronous data-parallel training (Chen et al. 2016; Goyal et al. 2017, Sec. 3). torchrun starts
the ranks and tells each its number (RANK, WORLD_SIZE, LOCAL_RANK). All hold the same weights and get the
same bits of the mean gradient, so that after each step they hold the same weights again, bit for bit; the
first rank alone writes and reports.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from kdm.collective import RankLostError, add_up_
from kdm.objective import Losses
from kdm.training.gradient_means import averaged_gradients
from kdm.training.progress import Notice, Report
from storage.reading.share import WHOLE, Share

# How long the first ranks wait for the others: nodes of a large cluster start minutes apart.
SECONDS_TO_ARRIVE = 300
_SECONDS_UNSAID = 10
_NEEDED = ("RANK", "MASTER_ADDR", "MASTER_PORT")


class Ranks:
    """This process among the ranks; with `count` 1 it trains alone, and every method does nothing.

    All ranks must call the same methods in the same order: each call that exchanges numbers waits for
    the others. Raises `RankLostError` if one of them has left.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """This rank's rows of each batch, dealt in turn: a batch's first rows are spread over all."""
        return WHOLE if self.count == 1 else Share(self.rank, self.count, takes_turns=True)

    def any(self, is_so: bool) -> bool:
        """Logical OR across ranks; all get the same answer."""
        return is_so if self.count == 1 else self.total(float(is_so)) > 0

    def total(self, number: float) -> float:
        """The sum of a number over all ranks, in float64."""
        if self.count == 1:
            return number
        numbers = torch.tensor([number], dtype=torch.float64)
        add_up_(numbers)
        return float(numbers.item())

    def averaged(self, losses: Losses) -> Losses:
        """The mean of all ranks' losses, without gradients, in one message."""
        if self.count == 1:
            return losses
        values = torch.stack([losses.total.detach(), *losses.terms.values()]).to(torch.float32)
        add_up_(values)
        total, *terms = (values / self.count).unbind()
        return Losses(total, dict(zip(losses.terms, terms, strict=True)))

    def averaging(self, parameters: Sequence[Tensor]) -> AbstractContextManager[None]:
        """The backward pass of the block leaves each gradient's mean over all ranks, of the same shape."""
        return nullcontext() if self.count == 1 else averaged_gradients(parameters, self.count)

    def require_equal(self, number: int, what: str) -> None:
        """Raise a ValueError on every rank if `number` isn't the same on all of them."""
        if self.count > 1 and self.any(self.total(number) != number * self.count):
            raise ValueError(
                f"{what} is {number} on rank {self.rank} and differs on another; all ranks must "
                "see the same folder and the same job"
            )


ALONE = Ranks()


@contextmanager
def joined(device: torch.device, report: Report = lambda report: None) -> Iterator[Ranks]:
    """Join the ranks that torchrun has started, and leave them after the block.

    A process that was started otherwise is alone. After ten seconds `report` gets the ranks that it
    waits for. Raises a ValueError if only some of torchrun's variables are set, and `RankLostError`
    if the other ranks don't arrive within 300 seconds.
    """
    count = _told("WORLD_SIZE", 1)
    if count == 1:
        yield ALONE
        return
    rank = _require_told(count)
    # NCCL carries gradients that are on GPUs, gloo the numbers that are on the CPU.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    with _saying_what_is_awaited(count, report):
        _join(backend)
    try:
        yield Ranks(rank, count)
    finally:
        dist.destroy_process_group()


def own_device(device: torch.device, environment: Mapping[str, str] = os.environ) -> torch.device:
    """The device of this rank: GPU number LOCAL_RANK if the ranks train on GPUs.

    Raises a ValueError if the machine has fewer GPUs than ranks.
    """
    if device.type != "cuda" or _told("WORLD_SIZE", 1, environment) == 1:
        return device
    local = _told("LOCAL_RANK", 0, environment)
    if local >= torch.cuda.device_count():
        raise ValueError(
            f"this machine lacks a GPU for rank {local}: torch finds "
            f"{torch.cuda.device_count()}; start as many ranks as there are GPUs"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def _join(backend: str) -> None:
    """Meet the other ranks, and connect with them; `RankLostError` if they don't arrive in time."""
    try:
        # The store comes first, since waiting for the others has another time limit than a step.
        arrival = timedelta(seconds=SECONDS_TO_ARRIVE)
        store, rank, count = next(rendezvous("env://", timeout=arrival))
        store.set_timeout(arrival)
        dist.init_process_group(backend, store=store, rank=rank, world_size=count)
    except (
        RuntimeError,
        OSError,
    ) as error:  # what torch raises if a rank or the store is missing
        raise RankLostError(
            f"not all of the {_told('WORLD_SIZE', 1)} ranks arrived at {_meeting_place()} within "
            f"{SECONDS_TO_ARRIVE} s; start all of them, or unset WORLD_SIZE to train alone"
        ) from error


@contextmanager
def _saying_what_is_awaited(count: int, report: Report) -> Iterator[None]:
    """Report which ranks this one waits for, once the block has taken ten seconds."""
    sentence = f"waiting for the other {count - 1} of {count} ranks at {_meeting_place()}"
    sentence += f", for {SECONDS_TO_ARRIVE} s at most"
    timer = threading.Timer(_SECONDS_UNSAID, lambda: report(Notice(sentence)))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _require_told(count: int) -> int:
    """The rank of this process; a ValueError if variables that it needs are missing."""
    missing = [name for name in _NEEDED if not os.environ.get(name)]
    if missing:
        raise ValueError(
            f"WORLD_SIZE is {count} but {' and '.join(missing)} not set; start ranks by torchrun "
            "(docs/training.md), or unset WORLD_SIZE to train alone"
        )
    return _told("RANK", 0)


def _meeting_place() -> str:
    return f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"


def _told(variable: str, alone: int, environment: Mapping[str, str] = os.environ) -> int:
    """The number in an environment variable; `alone` if unset, a ValueError for anything else."""
    value = environment.get(variable) or str(alone)
    if not value.isdigit():
        raise ValueError(f"{variable} is {value!r}; torchrun sets it to a number, or unset it")
    return int(value)
