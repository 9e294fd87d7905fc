"""Laws of every registered distance, on small pictures; LPIPS's trunk has random weights here."""

from collections.abc import Iterator

import pytest
import torch
from random_trunks import write_trunk

from kdm.losses.distances import GROUP, Distance
from storage.plugins import configure, describe, plugin_names

every_distance = pytest.mark.parametrize("name", plugin_names(GROUP))


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDM_WEIGHTS", str(folder))
        yield write_trunk(folder, "squeeze")


@pytest.fixture
def distance(name: str, trunk: str) -> Distance:
    lpips = {"plugin": "lpips", "net": "squeeze", "resize": 32, "trunk": trunk}
    parts = [{"distance": "l2"}, {"distance": lpips, "weight": 0.5}]
    needed = {"lpips": lpips, "sum": {"plugin": "sum", "parts": parts}}
    return configure(GROUP, needed.get(name, name))


def pictures(count: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, 8, 8, generator=generator) * 2 - 1


@every_distance
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_small_pictures_and_is_zero_where_they_are_equal(
    distance: Distance, channels: int
) -> None:
    x, y = pictures(4, channels=channels), pictures(4, seed=1, channels=channels)
    distance.require_shape(tuple(x.shape[1:]), 1.0)
    assert distance.distance(x, x).abs() < 1e-12
    assert distance.distance(x, y) > 0


@every_distance
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_its_gradient_is_finite_where_nothing_differs(distance: Distance, value: float) -> None:
    x = torch.full((2, 3, 8, 8), value, requires_grad=True)
    distance.distance(x, x.detach()).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@every_distance
def test_its_gradient_leads_nearer(distance: Distance) -> None:
    x, y = pictures(4).requires_grad_(), pictures(4, seed=1)
    before = distance.distance(x, y)
    (slope,) = torch.autograd.grad(before, x)
    assert distance.distance(x.detach() - 1e-3 * slope / slope.norm(), y) < before


@every_distance
def test_predictions_measured_together_are_as_far_as_each_alone(distance: Distance) -> None:
    target, all_of_it, few = pictures(4), pictures(4, seed=1), pictures(2, seed=2)
    together = distance.distances([few, all_of_it], target)
    alone = [distance.distance(few, target[:2]), distance.distance(all_of_it, target)]
    assert torch.allclose(torch.stack(together), torch.stack(alone), rtol=1e-5)


@every_distance
def test_a_batch_is_as_far_as_its_samples_on_the_average(distance: Distance) -> None:
    """Also under vmap, by which students weigh samples one by one."""
    x, y = pictures(3), pictures(3, seed=1)
    each = torch.vmap(lambda a, b: distance.distance(a[None], b[None]))(x, y)
    assert torch.allclose(each.mean(), distance.distance(x, y), rtol=1e-5)


@every_distance
def test_it_learns_nothing_and_draws_nothing(distance: Distance) -> None:
    x, state = pictures(2).requires_grad_(), torch.random.get_rng_state()
    first, again = (distance.distance(x, pictures(2, seed=1)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), state)


@every_distance
def test_its_description_makes_it_again(distance: Distance) -> None:
    assert configure(GROUP, describe(distance)) == distance
