"""The students' objectives, term by term (Eqs. 4–7), and the published setting to the letter."""

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import nn

from kdm.batch import Batch
from kdm.coders.mlp_coders import MlpCoders
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.regression import Regression
from storage.plugins import Plugin, describe
from storage.records import NoiseRule, PairSchema

SCHEMA = PairSchema(shape=(2,))
SMALL = MlpCoders(latent_dim=8, width=8, num_encoder_layers=2, num_decoder_layers=2)
PUBLISHED = Koopman(
    networks=MlpCoders(
        latent_dim=256, width=256, num_encoder_layers=5, num_decoder_layers=5, gain=1, noise_gain=1
    ),
    losses=KoopmanLosses(rec=1, lat=1, pred=0, latent_noise=0.4, rec_lat_share=1),
    data_scale=1,
)


def batch(num_samples: int = 16) -> Batch:
    x_0, x_T = torch.randn(2, num_samples, 2, generator=torch.Generator().manual_seed(2))
    return Batch(torch.arange(num_samples), x_0=x_0, x_T=x_T)


def small(**losses: float) -> KoopmanStudent:
    torch.manual_seed(0)
    plain = KoopmanLosses(**{"rec": 1, "lat": 1, "rec_lat_share": 1, **losses})
    return Koopman(networks=SMALL, losses=plain, data_scale=2).build(SCHEMA)


def sequence(num_inputs: int, widths: list[int], *, ends_in_silu: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(num_inputs, width), nn.SiLU()]
        num_inputs = width
    return nn.Sequential(*layers if ends_in_silu else layers[:-1])


def test_the_published_student_has_858114_parameters() -> None:
    assert PUBLISHED.build(SCHEMA).num_trainable_parameters() == 858_114


def test_the_published_losses_are_those_of_its_text() -> None:
    """MSE(x_0, Dec(z_0 + 0.4 n)) + MSE(z_0, K(z_T + 0.4 n')), n drawn before n' (azencot-group/KDM)."""
    student, pairs = PUBLISHED.build(SCHEMA), batch()
    E_0, E_T = (sequence(3, [256] * 5, ends_in_silu=True) for _ in range(2))
    D = sequence(257, [256] * 4 + [2], ends_in_silu=False)
    K = nn.Linear(256, 256)
    parts = (E_0, student.encoder_0), (E_T, student.encoder_T), (D, student.decoder)
    for ours, theirs in (*parts, (K, student.operator)):
        for parameter, trained in zip(ours.parameters(), theirs.parameters(), strict=True):
            parameter.data = trained.data
    torch.manual_seed(7)
    z_0 = E_0(torch.cat([pairs.x_0, torch.zeros(16, 1)], 1))
    z_T = E_T(torch.cat([pairs.noise(), torch.ones(16, 1)], 1))
    noisy_0, noisy_T = z_0 + 0.4 * torch.randn(16, 256), z_T + 0.4 * torch.randn(16, 256)
    rec = F.mse_loss(pairs.x_0, D(torch.cat([noisy_0, torch.zeros(16, 1)], 1)))
    published = rec + F.mse_loss(z_0, K(noisy_T))
    torch.manual_seed(7)
    assert torch.allclose(student.measure(pairs).total, published, rtol=1e-5)


def test_the_three_terms_are_equations_5_to_7_in_scaled_units() -> None:
    student, pairs = small(latent_noise=0), batch()
    z_0, z_T = student.encode_0(pairs.x_0), student.encode_T(pairs.noise())
    losses = student.measure(pairs)
    x_0, pushed = pairs.x_0 / 2, student.operator(z_T)
    assert torch.allclose(losses.terms["rec"], F.mse_loss(student.decode(z_0), x_0))
    assert torch.allclose(losses.terms["lat"], F.mse_loss(pushed, z_0))
    assert torch.allclose(losses.terms["pred"], F.mse_loss(student.decode(pushed), x_0))


@pytest.mark.parametrize("off", ["rec", "lat", "pred"])
def test_a_term_of_weight_zero_is_left_out_and_the_others_keep_their_values(off: str) -> None:
    full = small(latent_noise=0).measure(batch()).terms
    without = small(latent_noise=0, **{off: 0}).measure(batch()).terms
    assert without == {name: value for name, value in full.items() if name != off}


def test_weights_multiply_terms_in_the_total_only() -> None:
    losses = small(rec=0.5, lat=3.0, pred=1.0, latent_noise=0).measure(batch())
    rec, lat, pred = (losses.terms[name] for name in ("rec", "lat", "pred"))
    assert torch.allclose(losses.total, 0.5 * rec + 3 * lat + pred)


def test_rec_and_lat_may_look_at_a_share_of_the_batch() -> None:
    quarter = small(latent_noise=0, rec_lat_share=0.25).measure(batch()).terms
    first = Batch(*(each[:4] for each in (batch().index, batch().x_0, batch().noise())))
    assert torch.allclose(quarter["rec"], small(latent_noise=0).measure(first).terms["rec"])
    assert torch.allclose(quarter["lat"], small(latent_noise=0).measure(first).terms["lat"])
    assert torch.equal(quarter["pred"], small(latent_noise=0).measure(batch()).terms["pred"])


@pytest.mark.parametrize("plugin", [Koopman, KoopmanFactorised])
def test_options_that_came_later_leave_old_descriptions_as_they_were(plugin: type[Plugin]) -> None:
    later = {"penalties", "adversary", "phase"} & plugin.added_later.keys()
    assert later
    assert not later & describe(plugin()).keys()


def test_networks_without_a_kind_are_mlps() -> None:
    assert Koopman(networks={"width": 8}) == Koopman(networks=MlpCoders(width=8))
    with pytest.raises(ValidationError, match="did you mean 'width'"):
        Koopman(networks={"widht": 8})


def test_the_tensors_of_an_mlp_student_keep_their_names() -> None:
    names = {name.rsplit(".", 2)[0] for name in small().state_dict()}
    assert names == {"encoder_0.layers", "encoder_T.layers", "decoder.layers", "operator"}


def test_no_weight_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one loss"):
        KoopmanLosses(rec=0, lat=0, pred=0)


def test_the_encoder_of_data_only_trains() -> None:
    student = small()
    encoder = sum(each.numel() for each in student.encoder_0.parameters())
    assert student.num_trainable_parameters() - student.num_inference_parameters() == encoder


def test_spectral_targets_are_drawn_once_and_survive_a_reload() -> None:
    plugin = KoopmanFactorised(networks=SMALL)
    first, second = plugin.build(SCHEMA), plugin.build(SCHEMA)
    targets = [each.penalties.targets for each in (first, second) if each.penalties]
    assert not torch.equal(*targets)
    second.load_state_dict(first.state_dict())
    assert torch.equal(*targets)


def test_students_see_noise_of_unit_scale_and_answer_in_the_units_of_data() -> None:
    wide = PairSchema(shape=(2,), noise=NoiseRule(scale=80))
    torch.manual_seed(0)
    unit = Regression(width=8, num_layers=2).build(SCHEMA)
    torch.manual_seed(0)
    scaled = Regression(width=8, num_layers=2, data_scale=3).build(wide)
    x_T = batch().noise()
    assert torch.allclose(scaled.generate(80 * x_T), 3 * unit.generate(x_T), atol=1e-6)


def test_points_without_noise_are_refused_by_name() -> None:
    points = Batch(torch.arange(4), x_0=torch.zeros(4, 2))
    with pytest.raises(ValueError, match="source of kind 'pairs'"):
        small().measure(points)
