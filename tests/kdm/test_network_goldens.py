"""Published networks against their numeric goldens, and their names at true size."""

from collections.abc import Iterator
from functools import cache
from itertools import takewhile

import pytest
import torch
from mutants import NETWORK, at_work
from published import golden, packed

from kdm.networks.build import build_edm, build_guided
from kdm.published.network_golden import Compared, Golden, each_of, error, tolerance, unchecked

GOLDENS = [
    "edm/edm_cifarlike_cond_ve",
    "edm/edm_ddpmpp_uncond",
    "edm/edm_ncsnpp_uncond",
    "fm/mlp_checkerboard",
    "fm/torchcfm_unet",
]


def shapes(net: torch.nn.Module) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in net.state_dict().items()}


@cache
def begun(name: str) -> tuple[list[Compared], Iterator[Compared]]:
    """A golden's comparisons that have been made, and the rest."""
    return [], each_of(golden(name))


def comparisons(name: str) -> Iterator[Compared]:
    """All of a golden's, each made once, whichever test asks first."""
    made, rest = begun(name)
    yield from made
    for each in rest:
        made.append(each)
        yield each


@pytest.mark.processor
@pytest.mark.parametrize("name", NETWORK)
def test_single_evaluations_are_within_round_off_at_any_level(name: str) -> None:
    compared = list(takewhile(lambda each: each.room, comparisons(name)))
    assert len(compared) >= 3
    assert [each for each in compared if not each.agrees] == []


@pytest.mark.parametrize("name", GOLDENS)
def test_a_network_and_its_solvers_give_the_published_numbers(name: str) -> None:
    compared = list(comparisons(name))
    assert compared
    assert [each for each in compared if not each.agrees] == []


@pytest.mark.parametrize("name", GOLDENS)
def test_every_published_array_is_an_input_or_is_checked(name: str) -> None:
    assert unchecked(golden(name)) == []


def test_the_memory_format_changes_no_more_than_rounding() -> None:
    held = Golden.read(golden(GOLDENS[0]))
    net = held.network().to(memory_format=torch.channels_last)
    x, labels = held.arrays["x"].to(memory_format=torch.channels_last), held.arrays["labels"]
    with torch.no_grad():
        made = net(x, torch.tensor([0.3, 7.0]), labels)
    assert error(made, held.arrays["denoised_mixed_sigma"]) <= tolerance("denoised")


def test_a_wrong_weight_is_seen() -> None:
    held = Golden.read(golden(GOLDENS[1]))
    net = held.network()
    net.get_parameter("model.dec.32x32_aux_norm.weight").data.mul_(1 + 1e-4)
    with torch.no_grad():
        made = net(held.arrays["x"], torch.tensor([0.3, 7.0]), None)
    assert error(made, held.arrays["denoised_mixed_sigma"]) > tolerance("denoised")


def test_an_image_is_right_if_it_truncates_to_the_reference() -> None:
    x = torch.tensor([-1.0, 0.001, 0.999, 3.0])
    assert error(x, torch.tensor([0, 128, 255, 255], dtype=torch.uint8)) == 0
    assert error(x, torch.tensor([0, 127, 255, 255], dtype=torch.uint8)) > 0


def test_edm_networks_have_the_released_names_and_shapes() -> None:
    for name, true in packed("edm_true_size_shapes").items():
        with torch.device("meta"):
            net = build_edm(true["precond"], true["init_kwargs"])
        assert shapes(net) == true["shapes"], name


def test_guided_networks_have_the_published_names_and_shapes() -> None:
    for name, true in packed("fm_true_size_shapes").items():
        with torch.device("meta"):
            net = build_guided(true["init_kwargs"])
        assert shapes(net) == true["shapes"], name


@pytest.mark.trials
@pytest.mark.processor
@pytest.mark.parametrize("name", NETWORK)
def test_a_wrong_sign_factor_index_or_term_is_found(name: str) -> None:
    missed = []
    for mutant in NETWORK[name]:
        with at_work(mutant):
            missed += [mutant.name] * all(each.agrees for each in each_of(golden(name)))
    assert missed == []
