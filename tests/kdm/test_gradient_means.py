"""Gradients travel between ranks while the backward pass goes on, and arrive as their mean."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from kdm.training import gradient_means
from kdm.training.gradient_means import averaged_gradients

NUM_RANKS = 3


class Wire:
    """Stands between ranks: the others have the same gradients, times 1 and 3."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def begin(self, message: Tensor) -> Callable[[], None]:
        self.events.append("sent")

        def wait() -> None:
            self.events.append("waited")
            message.mul_(1 + 1 + 3)

        return wait


@pytest.fixture
def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(8, 8, bias=False) for _ in range(3)), nn.Linear(8, 1))


def loss(layers: nn.Sequential) -> Tensor:
    return layers(torch.linspace(0, 1, 16).view(2, 8)).square().sum()


def gradients(layers: nn.Sequential) -> list[Tensor | None]:
    return [each.grad for each in layers.parameters()]


def test_each_gradient_is_the_mean_over_ranks_and_the_last_layers_leave_before_the_first_is_done(
    layers: nn.Sequential, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss(layers).backward()
    own = [each.grad for each in layers.parameters()]
    layers.zero_grad(set_to_none=True)
    for name in ("BUCKET_BYTES", "FIRST_BUCKET_BYTES"):
        monkeypatch.setattr(gradient_means, name, 8 * 8 * 4)
    wire, first = Wire(), layers[0].weight
    first.register_post_accumulate_grad_hook(lambda _: wire.events.append("first is done"))
    with averaged_gradients(list(layers.parameters()), NUM_RANKS, wire.begin):
        loss(layers).backward()
    # Four buckets: the last layer's weight and bias, then a layer each.
    assert wire.events == ["sent"] * 3 + ["first is done", "sent"] + ["waited"] * 4
    for mean, alone in zip(gradients(layers), own, strict=True):
        assert torch.equal(mean, alone * 5 / NUM_RANKS)


def test_a_parameter_that_no_loss_reached_stays_without_a_gradient(layers: nn.Sequential) -> None:
    rests = nn.Parameter(torch.ones(3))
    with averaged_gradients([rests, *layers.parameters()], NUM_RANKS, Wire().begin):
        loss(layers).backward()
    assert rests.grad is None
    assert all(each is not None for each in gradients(layers))


def test_nothing_is_sent_after_an_error_and_no_hook_stays(layers: nn.Sequential) -> None:
    wire = Wire()
    with (
        pytest.raises(ValueError, match="mine"),
        averaged_gradients(list(layers.parameters()), NUM_RANKS, wire.begin),
    ):
        raise ValueError("mine")
    loss(layers).backward()
    assert wire.events == []
