"""The processes that train together, one a device: each learns from its rows of every batch.

torchrun starts them and says who each is (RANK, WORLD_SIZE, LOCAL_RANK). All hold the same weights and
move them by the mean gradient of all, so after each step they hold the same ones again, bit for bit.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from kdm.collective import add_up_
from kdm.objective import Losses
from storage.plan import WHOLE, Share


class Ranks:
    """This process among them; with `count` 1 it is alone, and everything is as it was."""

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """Its rows of each batch, dealt in turn: the first share of a batch is then spread over all."""
        return WHOLE if self.count == 1 else Share(self.rank, self.count, takes_turns=True)

    def any(self, is_so: bool) -> bool:
        """Whether it is so for one of them; all learn the same."""
        return is_so if self.count == 1 else self.total(float(is_so)) > 0

    def total(self, number: float) -> float:
        """The sum over all of them."""
        if self.count == 1:
            return number
        numbers = torch.tensor([number], dtype=torch.float64)
        add_up_(numbers)
        return float(numbers.item())

    def averaged(self, losses: Losses) -> Losses:
        """The mean of all their losses, without gradients."""
        if self.count == 1:
            return losses
        values = torch.stack([losses.total.detach(), *losses.terms.values()]).to(torch.float32)
        add_up_(values)
        total, *terms = (values / self.count).unbind()
        return Losses(total, dict(zip(losses.terms, terms, strict=True)))

    def average_(self, gradients: Sequence[Tensor]) -> None:
        """Put the mean over all of them in the place of each, in one message."""
        if self.count == 1 or not gradients:
            return
        message = torch.cat([each.reshape(-1) for each in gradients])
        add_up_(message)
        means = torch.split(message / self.count, [each.numel() for each in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view(gradient.shape))

    def require_equal(self, number: int, what: str) -> None:
        """Raise a ValueError where one of them has another number than this one."""
        if self.count > 1 and self.any(self.total(number) != number * self.count):
            raise ValueError(
                f"{what} is {number} on rank {self.rank} and another number elsewhere; all ranks must "
                "see the same folder and the same job"
            )


ALONE = Ranks()


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """This process among those that torchrun has started; alone where it was started otherwise."""
    count = _told("WORLD_SIZE", 1)
    if count == 1:
        yield ALONE
        return
    # Gradients go by NCCL where they are on GPUs, numbers of the CPU by gloo.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(_told("RANK", 0), count)
    finally:
        dist.destroy_process_group()


def own_device(device: torch.device, environment: Mapping[str, str] = os.environ) -> torch.device:
    """The GPU of this rank; a ValueError where the machine has fewer than ranks."""
    local = int(environment.get("LOCAL_RANK", 0))
    if device.type != "cuda" or int(environment.get("WORLD_SIZE", 1)) == 1:
        return device
    if local >= torch.cuda.device_count():
        raise ValueError(
            f"there is no GPU for rank {local} of this machine: torch finds "
            f"{torch.cuda.device_count()}; start as many ranks as there are GPUs"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def _told(variable: str, alone: int) -> int:
    return int(os.environ.get(variable, alone))
