"""Adam, the learning rate and the moving average as functions of the step."""

import math

import pytest
import torch
from torch import Tensor, nn

from kdm.training import fused_adam
from kdm.training.adam import Adam
from kdm.training.ema import Ema, decay
from kdm.training.options import EmaOptions, TrainingOptions
from kdm.training.schedule import learning_rate


def network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(5, 3)


def loss(model: nn.Module, step: int) -> Tensor:
    inputs = torch.randn(8, 5, generator=torch.Generator().manual_seed(step))
    return model(inputs).square().mean()


def test_adam_gives_the_bits_of_pytorchs_fused_adam() -> None:
    ours, theirs = network(), network()
    adam = Adam(ours, TrainingOptions(betas=(0.9, 0.97), epsilon=1e-7))
    reference = torch.optim.Adam(theirs.parameters(), betas=(0.9, 0.97), eps=1e-7, fused=True)
    for step in range(20):
        for optimiser, model in ((adam, ours), (reference, theirs)):
            optimiser.zero_grad()
            loss(model, step).backward()
        reference.param_groups[0]["lr"] = 0.1 / (step + 1)
        adam.step(0.1 / (step + 1))
        reference.step()
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def weights_after(num_steps: int) -> dict[str, Tensor]:
    model = network()
    adam = Adam(model, TrainingOptions(betas=(0.9, 0.97), epsilon=1e-7))
    for step in range(num_steps):
        adam.zero_grad()
        (loss(model, step) if step % 3 else model.weight.sum()).backward()
        adam.step(0.1 / (step + 1))
    return {**model.state_dict(), **adam.state()}


@pytest.mark.parametrize(
    "arguments", [(), ("self", "grads"), (*fused_adam._KNOWN_ARGUMENTS, "decoupled")]
)
def test_a_pytorch_with_another_kernel_trains_to_the_same_bits_through_its_public_class(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    by_the_kernel = weights_after(7)
    monkeypatch.setattr(fused_adam, "_KNOWN_ARGUMENTS", arguments)
    by_the_class = weights_after(7)
    assert all(torch.equal(each, by_the_class[name]) for name, each in by_the_kernel.items())


def test_the_kernel_is_called_only_with_the_arguments_that_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = fused_adam._KNOWN_ARGUMENTS
    assert fused_adam.has_kernel_with(known)
    assert not fused_adam.has_kernel_with(known[:-1])
    monkeypatch.delattr(torch, "_fused_adam_")
    fused_adam.has_kernel_with.cache_clear()
    assert not fused_adam.has_kernel_with(known)
    fused_adam.has_kernel_with.cache_clear()


def test_a_parameter_without_gradient_stays_and_does_not_age() -> None:
    model = network()
    adam, bias = Adam(model, TrainingOptions()), model.bias.detach().clone()
    (model.weight.sum()).backward()
    adam.step(0.1)
    assert torch.equal(model.bias, bias)
    assert {name: state.item() for name, state in adam.state().items() if "step" in name} == {
        "weight/step": 1,
        "bias/step": 0,
    }


def test_frozen_parameters_have_no_optimiser_state_and_no_average() -> None:
    model = network()
    model.bias.requires_grad_(False)
    assert {name.split("/")[0] for name in Adam(model, TrainingOptions()).state()} == {"weight"}
    assert Ema(model, EmaOptions()).state().keys() == {"weight"}


def test_the_rate_warms_up_in_a_line_and_falls_as_a_cosine_to_zero() -> None:
    options = TrainingOptions(num_steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(options, step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[55] == pytest.approx(0.5)
    assert sorted(rates[10:], reverse=True) == rates[10:]
    assert 0 < rates[-1] < 1e-3


def test_a_constant_rate_stays() -> None:
    options = TrainingOptions(schedule="constant", warmup_steps=0, learning_rate=3e-4)
    assert {learning_rate(options, step) for step in (0, 1, 9_999)} == {3e-4}


def test_a_warm_up_longer_than_the_run_never_ends() -> None:
    options = TrainingOptions(num_steps=10, warmup_steps=20, learning_rate=1.0)
    assert learning_rate(options, 9) == 0.5


def test_the_average_without_warm_up_is_the_published_one() -> None:
    model = network()
    start = model.weight.detach().clone()
    average = Ema(model, EmaOptions(decay=0.9999, warmup=None))
    with torch.no_grad():
        model.weight.add_(1)
    average.update(1)
    assert torch.allclose(average.state()["weight"] - start, torch.tensor(1e-4), atol=1e-7)


def test_the_average_with_warm_up_soon_forgets_the_start() -> None:
    options = EmaOptions(decay=0.999, warmup=0.1)
    start = math.prod(decay(options, step) for step in range(1, 200))
    assert start < 1e-9
    assert decay(options, 10**6) == 0.999


def test_without_an_average_the_weights_themselves_are_exported() -> None:
    model = network()
    state = Ema(model, None).model_state()
    with torch.no_grad():
        model.weight.add_(1)
    assert torch.equal(state["weight"], model.weight)
