"""The EDM teacher: its loss, its field near the data, its networks, and labels."""

import pytest
import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.networks.mlp import MLP
from kdm.networks.point_denoiser import PointDenoiser, edm_coefficients
from kdm.networks.preconditioning import EDM
from kdm.networks.song_unet import SongUNet, SongUNetOptions
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.edm_levels import LOWEST_SIGMA, SIGMA_MAX
from pairgen.teachers.preview import preview
from storage.plugins import describe

TINY_UNET = {
    "kind": "song-unet",
    "model_channels": 8,
    "channel_mult": (1, 2),
    "num_blocks": 1,
    "attn_resolutions": (4,),
}


class KnownDenoiser(torch.nn.Module):
    """Data N(mean, std²): D(x; σ) = (std² x + σ² mean) / (std² + σ²), its class as the mean."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.variance = std**2

    def forward(self, x, sigma, labels=None):
        mean = 0.0 if labels is None else labels.argmax(1)[:, None]
        squared = sigma.reshape(-1, 1) ** 2
        return ((self.variance * x + squared * mean) / (self.variance + squared)).float()


def points(num_points: int = 256) -> Tensor:
    return torch.randn(num_points, 2, generator=torch.Generator().manual_seed(1))


def pictures(num_pictures: int = 4) -> Tensor:
    return points(num_pictures * 96).reshape(num_pictures, 3, 8, 8)


def silent(teacher: EdmTeacher) -> EdmField:
    """F_θ = 0."""
    field = teacher.build((2,))
    for parameter in field.parameters():
        torch.nn.init.zeros_(parameter)
    return field


def tiny_unet(**options) -> EdmTeacher:
    return EdmTeacher(network=TINY_UNET, **options)


def test_the_flow_of_a_known_denoiser_carries_noise_to_its_data():
    field, x_T = EdmField(KnownDenoiser(2.0)), SIGMA_MAX * points()
    exact = x_T * 2 / (4 + SIGMA_MAX**2) ** 0.5  # (x - mean) / √(σ² + std²) is kept
    assert torch.allclose(EdmHeun(num_steps=200).sample(field, x_T).x_0, exact, atol=2e-3)


def test_labels_reach_the_denoiser_as_one_hot_rows():
    field, label = EdmField(KnownDenoiser(0.1), num_classes=3), torch.arange(256) % 3
    x_0 = EdmHeun(num_steps=40).sample(field, SIGMA_MAX * points(), label).x_0
    assert (x_0 - label[:, None]).abs().max() < 0.6


def test_below_the_lowest_level_the_field_is_that_at_it():
    field = EdmTeacher().build((2,))
    at_0, at_lowest = (field.velocity(points(), torch.tensor(t)) for t in (0.0, LOWEST_SIGMA))
    assert torch.equal(at_0, at_lowest)


def test_a_velocity_keeps_the_type_of_x_around_a_float32_network():
    field = EdmTeacher().build((2,))
    assert field.velocity(points().double(), torch.tensor(1.0)).dtype == torch.float64
    assert field.denoised(points().double(), torch.tensor(1.0)).dtype == torch.float32


def test_points_and_pictures_have_the_same_preconditioning():
    sigma = torch.tensor([0.002, 0.5, 80.0])
    unet = SongUNet(SongUNetOptions(img_resolution=8, in_channels=1, out_channels=1))
    for ours, theirs in zip(
        edm_coefficients(sigma, 0.7), EDM(unet, sigma_data=0.7).coefficients(sigma), strict=True
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("P_mean", [-3.0, 0.0, 3.0])
def test_a_silent_network_has_the_same_loss_at_every_level(P_mean):
    teacher = EdmTeacher(P_mean=P_mean, P_std=0.1, sigma_data=2.0)
    x_0 = 2 * points(20_000)
    (player,) = teacher.objective((2,)).players
    player.module.load_state_dict(silent(teacher).state_dict())
    loss = player.loss(Batch(torch.arange(len(x_0)), x_0)).total
    assert loss.item() == pytest.approx(1, abs=0.03)


def test_a_trained_denoiser_approaches_the_closed_form_one():
    torch.manual_seed(0)
    teacher = EdmTeacher(network={"kind": "mlp", "width": 32, "num_layers": 3}, sigma_data=2.0)
    objective, x_0 = teacher.objective((2,)), 2 * points(20_000) + torch.tensor([3.0, 0.0])
    optimiser = torch.optim.Adam(objective.model.parameters(), lr=5e-3)
    for _ in range(400):
        rows = torch.randint(len(x_0), (256,))
        optimiser.zero_grad()
        objective.players[0].loss(Batch(rows, x_0[rows])).total.backward()
        optimiser.step()
    x = x_0[:500] + torch.randn(500, 2)
    known = (4 * x + torch.tensor([3.0, 0.0])) / 5
    error = objective.model.denoised(x, torch.tensor(1.0)) - known
    assert error.square().mean() < 0.05  # a sixteenth of the variance of x_0 given x, 4 / 5


@pytest.mark.parametrize("num_classes", [0, 3])
def test_every_weight_of_a_network_for_pictures_learns(num_classes):
    teacher = tiny_unet(num_classes=num_classes, dropout=0.1)
    objective = teacher.objective((3, 8, 8))
    batch = Batch(torch.arange(4), pictures(), label=torch.tensor([0, 1, 2, 0]))
    objective.players[0].loss(batch).total.backward()
    assert all(weight.grad.abs().sum() > 0 for weight in objective.model.parameters())


@pytest.mark.parametrize(
    ("teacher", "x"),
    [(EdmTeacher(num_classes=3), points(4)), (tiny_unet(num_classes=3), pictures())],
)
def test_labels_matter_where_there_are_classes_and_none_is_a_row_of_zeros(teacher, x):
    torch.manual_seed(0)
    field, t = teacher.build(tuple(x.shape[1:])).eval(), torch.tensor(0.5)
    for parameter in field.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    first, second = (field.velocity(x, t, torch.full((4,), label)) for label in (0, 1))
    assert not torch.allclose(first, second, atol=1e-2)
    with_none, with_zeros = field.denoiser(x, t, None), field.denoiser(x, t, torch.zeros(4, 3))
    assert torch.allclose(with_none, with_zeros, atol=1e-5)


def test_without_classes_labels_do_not_matter():
    field, t = EdmTeacher().build((2,)), torch.tensor(0.5)
    given = field.velocity(points(4), t, torch.arange(4))
    assert torch.equal(given, field.velocity(points(4), t))


@pytest.mark.parametrize(
    ("teacher", "shape", "fault"),
    [
        (EdmTeacher(), (3, 8, 8), r"'mlp' .* shape \(d,\), not \(3, 8, 8\)"),
        (EdmTeacher(dropout=0.1), (2,), r"'mlp' .* support dropout \(got 0\.1\)"),
        (tiny_unet(), (2,), r"'song-unet' .* \(C, H, H\) .* not \(2,\)"),
        (tiny_unet(), (3, 8, 7), r"'song-unet' .* not \(3, 8, 7\)"),
        (tiny_unet(), (3, 7, 7), r"a multiple of 2, as it has 2 levels"),
        (EdmTeacher(augment={}), (2,), "points, which can't be augmented; remove 'augment'"),
        (EdmTeacher(flip=True), (2,), r"flip is for pictures, .* not \(2,\); set it to false"),
        (EdmTeacher(num_classes=2, label_dropout=0.1), (2,), r"support label dropout \(got 0\.1\)"),
    ],
)
def test_a_network_of_another_shape_is_refused(teacher, shape, fault):
    with pytest.raises(ValueError, match=fault):
        teacher.build(shape)


def test_a_point_denoiser_takes_one_level_for_all_or_one_each():
    torch.manual_seed(0)
    denoiser = PointDenoiser(MLP(3, 2, width=8, num_layers=2), sigma_data=1.0, num_classes=0)
    assert torch.equal(
        denoiser(points(), torch.tensor(0.3)), denoiser(points(), torch.full((256,), 0.3))
    )


def test_labels_cannot_be_hidden_where_there_are_none():
    with pytest.raises(ValueError, match=r"label_dropout is 0\.1, but without num_classes"):
        EdmTeacher(label_dropout=0.1)


def test_options_that_came_later_leave_descriptions_as_they_were_until_they_are_used():
    fields = {"network", "num_classes", "sigma_data", "dropout", "P_mean", "P_std"}
    assert describe(EdmTeacher()).keys() == {"plugin", "version", *fields}
    assert describe(EdmTeacher(flip=True)).keys() == {"plugin", "version", "flip", *fields}


def moved_network(**options) -> tuple[EdmTeacher, EdmField]:
    """With weights that matter, in training."""
    torch.manual_seed(0)
    teacher = tiny_unet(**options)
    field = teacher.build((3, 8, 8))
    for parameter in field.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return teacher, field


def test_the_network_is_told_of_an_augmentation_and_samplers_tell_none():
    _, field = moved_network(augment={})
    x, sigma = pictures(), torch.tensor(0.5)
    told = field.denoised(x, sigma, None, torch.eye(9)[:4])
    untold = field.denoised(x, sigma, None, torch.zeros(4, 9))
    assert not torch.allclose(told, untold, atol=1e-2)
    assert torch.allclose(field.denoised(x, sigma), untold, atol=1e-5)


@pytest.mark.parametrize("options", [{"augment": {"probability": 1}}, {"flip": True}])
def test_a_loss_of_changed_pictures_is_another_and_the_same_by_the_same_seed(options):
    batch, losses = Batch(torch.arange(4), pictures()), []
    for teacher, field in (moved_network(), *2 * [moved_network(**options)]):
        torch.manual_seed(1)
        losses.append(teacher.loss(field)(batch).total.item())
    assert losses[0] != losses[1] == losses[2]


def test_hidden_labels_train_the_network_without_any():
    _, field = moved_network(num_classes=3, label_dropout=0.5)
    x, sigma, label = pictures(200), torch.tensor(0.5), torch.arange(200) % 3
    without, some = field.eval().denoised(x, sigma), field.train().denoised(x, sigma, label)
    is_hidden = (some - without).abs().flatten(1).amax(1) < 1e-4
    assert 60 < is_hidden.sum() < 140
    is_hidden = (field.eval().denoised(x, sigma, label) - without).abs().flatten(1).amax(1) < 1e-4
    assert not is_hidden.any()


def test_adm_is_another_network_of_the_same_teacher():
    network = {**TINY_UNET, "kind": "dhariwal-unet"}
    field = EdmTeacher(network=network, num_classes=2, augment={}).build((3, 8, 8))
    assert field.denoiser.model.map_augment.weight.shape == (8, 9)
    assert field.denoised(pictures(), torch.tensor(0.5)).shape == (4, 3, 8, 8)


def test_a_preview_is_64_pictures_the_same_each_time():
    field = tiny_unet(num_classes=3, dropout=0.5).build((3, 8, 8)).eval()
    first, again = (preview(field, EdmHeun(num_steps=1), (3, 8, 8), num_classes=3) for _ in "12")
    assert first.shape == (64, 3, 8, 8)
    assert torch.equal(first, again)


def test_pictures_have_a_preview_and_points_have_none():
    assert tiny_unet().objective((3, 8, 8)).draw is not None
    assert EdmTeacher().objective((2,)).draw is None
