"""Distances of networks' features: random ones, and LPIPS on trunks with random weights."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published_step import SMALL
from random_trunks import random_state, write_trunk

from kdm.batch import Batch
from kdm.datasets.digits import DigitsData
from kdm.losses.distances import L2, Distance
from kdm.losses.features import unit
from kdm.losses.lpips import Lpips
from kdm.losses.lpips_weights import head_weights, trunk_with
from kdm.losses.random_features import RandomFeatures
from kdm.losses.sum import Part, Sum
from kdm.pretrained import fault_of
from kdm.published.student_options import student_of
from kdm.students.koopman import Koopman
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.regression import Regression
from kdm.torchvision_import import import_torchvision
from storage.plugins import describe
from storage.records import PairSchema

Made = Callable[..., Lpips]


@pytest.fixture(scope="module")
def lpips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """An LPIPS of a net whose trunk has random weights."""
    folder, names = tmp_path_factory.mktemp("weights"), dict[str, str]()

    def made(net: str, **options: object) -> Lpips:
        if net not in names:
            names[net] = write_trunk(folder, net)
        return Lpips(net=net, trunk=names[net], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDM_WEIGHTS", str(folder))
        yield made


def pictures(count: int = 2, side: int = 32, seed: int = 0, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, side, side, generator=generator) * 2 - 1


def digits() -> torch.Tensor:
    return torch.from_numpy(DigitsData().train()[:128])


def published_lpips(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """As in azencot-group/KDM: VGG, average pools, x / (‖x‖ + 1e-10), mean of squares over positions."""
    state, heads = random_state("vgg"), head_weights("vgg")
    convolutions = [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]]
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    maps = ((torch.cat([x, y]) + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
    total = torch.zeros(())
    for level, (numbers, head) in enumerate(zip(convolutions, heads, strict=True)):
        maps = F.avg_pool2d(maps, 2) if level else maps
        for number in numbers:
            weight, bias = (state[f"features.{number}.{kind}"] for kind in ("weight", "bias"))
            maps = F.relu(F.conv2d(maps, weight, bias, padding=1))
        a, b = (maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10)).chunk(2)
        total = total + ((a - b).square() * head[:, None, None]).sum(1).mean()
    return total


def test_by_default_it_is_lpips_as_published_for_kdm(lpips: Made) -> None:
    x, y = pictures(seed=0), pictures(seed=1)
    assert torch.allclose(lpips("vgg").distance(x, y), published_lpips(x, y), rtol=1e-5)


def test_with_max_pooling_it_is_the_packages_own(lpips: Made) -> None:
    import_torchvision()
    from lpips import LPIPS

    chosen, x, y = lpips("squeeze", pooling="max"), pictures(seed=0), pictures(seed=1)
    own = LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    own.net = trunk_with("squeeze", chosen.weights_file(), has_max_pooling=True)
    with torch.no_grad():
        assert torch.allclose(chosen.distance(x, y), own(x, y).mean(), rtol=1e-5)


@pytest.mark.parametrize("net", ["vgg", "alex", "squeeze"])
def test_pictures_of_the_smallest_side_are_compared_and_smaller_ones_refused(
    lpips: Made, net: str
) -> None:
    chosen = lpips(net)
    side = chosen.smallest_side
    chosen.require_shape((3, side, side), 1.0)
    assert chosen.distance(pictures(side=side), pictures(side=side, seed=1)) > 0
    with pytest.raises(RuntimeError):
        chosen.distance(pictures(side=side - 1), pictures(side=side - 1))
    with pytest.raises(ValueError, match=rf"{side} pixels a side.*resize to 224"):
        chosen.require_shape((3, side, side - 1), 1.0)


def test_resized_pictures_may_be_small(lpips: Made) -> None:
    chosen = lpips("squeeze", resize=32)
    chosen.require_shape((1, 8, 8), 1.0)
    x, y = pictures(side=8), pictures(side=8, seed=1)
    grown = [F.interpolate(each, size=(32, 32), mode="bilinear") for each in (x, y)]
    assert torch.equal(chosen.distance(x, y), lpips("squeeze").distance(*grown))


def test_missing_weights_are_named_with_their_source_their_folder_and_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    with pytest.raises(ValueError, match="KDM_WEIGHTS") as refused:
        Lpips().require_shape((3, 32, 32), 1.0)
    said = str(refused.value)
    assert "vgg16-397923af.pth" in said
    assert "https://download.pytorch.org/models/vgg16-397923af.pth" in said
    assert str(tmp_path) in said
    assert "distance: {plugin: random-features}" in said


def test_weights_that_are_not_what_their_name_says_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    name = write_trunk(tmp_path, "squeeze")
    assert fault_of(name) is None
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with pytest.raises(ValueError, match="not what its name says"):
        Lpips(net="squeeze", trunk=name).require_shape((3, 32, 32), 1.0)


def test_weights_of_another_network_are_refused(lpips: Made) -> None:
    squeeze = lpips("squeeze")
    with pytest.raises(ValueError, match="no weights of a torchvision vgg"):
        Lpips(trunk=squeeze.trunk).network(torch.device("cpu"))


@pytest.mark.parametrize(
    ("shape", "scale", "said"),
    [
        ((2,), 1.0, "compares pictures"),
        ((4, 32, 32), 1.0, "compares"),
        ((3, 32, 32), 0.5, "−1 … 1"),
    ],
)
def test_samples_that_are_no_pictures_as_trunks_know_them_are_refused(
    lpips: Made, shape: tuple[int, ...], scale: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        lpips("squeeze").require_shape(shape, scale)


def test_a_name_says_what_the_weights_are(lpips: Made) -> None:
    assert describe(lpips("squeeze"))["trunk"] == lpips("squeeze").trunk
    with pytest.raises(ValueError, match="pattern"):
        Lpips(trunk="mine.pth")


def test_grey_pictures_are_coloured_ones(lpips: Made) -> None:
    x, y = pictures(channels=1), pictures(channels=1, seed=1)
    for distance in (lpips("squeeze"), RandomFeatures()):
        coloured = distance.distance(x.repeat(1, 3, 1, 1), y.repeat(1, 3, 1, 1))
        assert torch.equal(distance.distance(x, y), coloured)


def test_a_target_is_looked_at_once_for_all_predictions(
    lpips: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, network = [], lpips("squeeze").network(torch.device("cpu"))
    monkeypatch.setattr(Lpips, "network", lambda *_: lambda x: seen.append(len(x)) or network(x))
    lpips("squeeze").distances([pictures(2), pictures(4), pictures(4, seed=1)], pictures(5))
    assert seen == [4, 10]


def test_a_unit_vector_of_nothing_is_nothing_with_a_finite_gradient() -> None:
    v = torch.zeros(1, 4, 2, 2, requires_grad=True)
    unit(v).square().sum().backward()
    unit(v)[0, 0].sum().backward()
    assert v.grad is not None
    assert v.grad.isfinite().all()
    assert not unit(v).any()


def test_in_bfloat16_its_norms_and_sums_stay_float32(lpips: Made) -> None:
    x, y = pictures(), pictures(seed=1)
    for distance in (lpips("squeeze"), RandomFeatures()):
        with torch.autocast("cpu", torch.bfloat16):
            rounded = distance.distance(x, y)
        assert rounded.dtype == torch.float32
        assert torch.allclose(rounded, distance.distance(x, y), rtol=0.03)


def test_random_features_are_the_same_everywhere_and_other_seeds_give_others() -> None:
    random = np.random.RandomState(0)
    x, y = torch.from_numpy(random.uniform(-1, 1, (2, 4, 3, 16, 16)).astype(np.float32))
    assert RandomFeatures().distance(x, y).item() == pytest.approx(0.5503836, rel=1e-5)
    assert RandomFeatures(seed=1).distance(x, y).item() != RandomFeatures().distance(x, y).item()


def test_random_features_grow_with_blur() -> None:
    sharp = blurred = digits()
    distances = []
    for _ in range(4):
        blurred = F.avg_pool2d(F.pad(blurred, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        distances.append(RandomFeatures().distance(blurred, sharp).item())
    assert distances == sorted(distances)
    assert distances[0] > 0


def test_to_random_features_a_shifted_digit_is_nearer_than_a_blank_one_and_to_l2_farther() -> None:
    x = digits()
    shifted, blank = x.roll(1, dims=-1), x.mean((2, 3), keepdim=True).expand_as(x)

    def ratio(distance: Distance) -> float:
        return (distance.distance(shifted, x) / distance.distance(blank, x)).item()

    assert ratio(L2()) > 1
    assert ratio(RandomFeatures()) < 0.9


def test_random_features_tell_contrasts_apart() -> None:
    """Without biases, unit vectors of ReLUs would not."""
    assert RandomFeatures().distance(0.5 * digits(), digits()) > 0.02


def test_too_many_layers_for_a_picture_are_refused() -> None:
    RandomFeatures().require_shape((1, 8, 8), 1.0)
    with pytest.raises(ValueError, match=r"16 pixels a side.*num_layers"):
        RandomFeatures(num_layers=4).require_shape((1, 8, 8), 1.0)


def test_a_sum_adds_weighted_distances_and_by_default_is_the_published_both() -> None:
    x, y = pictures(), pictures(seed=1)
    parts = (Part(distance=L2(), weight=2), Part(distance=RandomFeatures()))
    expected = 2 * L2().distance(x, y) + RandomFeatures().distance(x, y)
    assert torch.allclose(Sum(parts=parts).distance(x, y), expected)
    assert [each.distance for each in Sum().parts] == [L2(), Lpips()]


@pytest.mark.parametrize(
    "student",
    [
        Koopman(losses=KoopmanLosses(distance=RandomFeatures())),
        Regression(distance=RandomFeatures()),
    ],
)
def test_a_student_learns_pictures_by_features_that_are_no_part_of_it(student) -> None:
    schema = PairSchema(shape=(1, 8, 8))
    student.require_shape(schema.shape)
    plain = type(student)().build(schema).state_dict().keys()
    built = student.build(schema)
    x_0, x_T = digits()[:4], pictures(4, side=8, channels=1)
    losses = built.measure(Batch(torch.arange(4), x_0=x_0, x_T=x_T))
    losses.total.backward()
    assert losses.terms["pred"] > 0
    assert built.state_dict().keys() == plain


@pytest.mark.parametrize(("named", "distance"), [("LPIPS", Lpips()), ("BOTH", Sum())])
def test_published_students_keep_their_distance(named: str, distance: Distance) -> None:
    student = student_of({**SMALL, "rec_loss_type": named}, is_factorised=False)
    assert student.losses.distance == distance


def test_another_fault_of_torchvision_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('another fault')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="another fault"):
        import_torchvision()
