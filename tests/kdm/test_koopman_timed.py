"""kdm-t: flows compose, states hold their noise, losses are those of the text, steps may be chosen later."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kdm.analyze.operator_spectrum import spectrum_numbers
from kdm.batch import Batch
from kdm.flops import sample_flops
from kdm.generator import Generator
from kdm.level import Level
from kdm.students.koopman_timed import KoopmanTimed
from kdm.students.koopman_timed_student import KoopmanTimedStudent
from kdm.students.trajectory import Trajectory
from kdm.students.trajectory_points import chosen_starts, onward, starts
from storage.records import LabelRule, NoiseRule, PairSchema

LEVELS = ((1.0, 80.0), (1.0, 20.0), (1.0, 3.0), (1.0, 0.5))
PICTURES = PairSchema(
    shape=(1, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3), num_states=3
)
UNET = {"kind": "song-unet", "model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1}
LABELS = torch.arange(6) % 3


def pictures(**options: Any) -> KoopmanTimedStudent:
    """With numbers that have learned something: no weight and no part of A is 0."""
    torch.manual_seed(0)
    chosen = {"networks": {**UNET, "dropout": 0.0}, "levels": LEVELS, "data_scale": 0.5}
    student = KoopmanTimed(**{**chosen, **options}).build(PICTURES)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        student.operator.turn.add_(torch.randn_like(student.operator.turn))
    return student.eval()


def batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    x_0, unit = (torch.randn(6, 1, 8, 8, generator=generator) for _ in range(2))
    states = torch.stack([x_0 + sigma * unit for _, sigma in LEVELS[1:]], 1)
    return Batch(torch.arange(6), x_0=x_0, x_T=80 * unit, label=LABELS, states=states)


def number(*numbers: int) -> Tensor:
    return torch.tensor(numbers)


@pytest.mark.parametrize("latents", ["every-level", "one-picture"])
def test_latents_carried_in_two_ways_are_those_carried_in_one(latents: str) -> None:
    student, pairs = pictures(networks={**UNET, "latents": latents}), batch()
    with torch.no_grad():
        z = student.encode(pairs.noise(), number(0), LABELS)
        for between in (1, 2, 3):
            halves = student.evolve(
                student.evolve(z, number(0), number(between)), number(between), number(4)
            )
            assert torch.allclose(halves, student.evolve(z, number(0), number(4)), atol=1e-5)
        back = student.evolve(student.evolve(z, number(1), number(3)), number(3), number(1))
        assert torch.allclose(back, z, atol=1e-5)
        assert not torch.allclose(student.evolve(z, number(0), number(4)), z, atol=0.1)


def test_the_flow_is_the_exponential_of_its_blocks() -> None:
    torch.manual_seed(2)
    flow = Generator(6)
    with torch.no_grad():
        flow.growth.normal_(), flow.turn.normal_()
        a, b = flow.growth, flow.turn
        A = torch.zeros(6, 6)
        for j in range(3):
            A[j, j] = A[j + 3, j + 3] = a[j]
            A[j + 3, j], A[j, j + 3] = b[j], -b[j]
        z, way = torch.randn(5, 6), torch.tensor([0.0, 1.0, 0.3, 0.7, -0.5])
        wanted = torch.stack([torch.matrix_exp(h * A) @ row for h, row in zip(way, z, strict=True)])
        assert torch.allclose(flow.evolved(z, way), wanted, atol=1e-5)
        assert torch.allclose(flow.matrix(), torch.matrix_exp(A), atol=1e-5)
        assert torch.allclose(flow(z), z @ flow.matrix().T, atol=1e-5)
    found, expected = (
        sorted(values.tolist(), key=lambda one: (round(one.real, 4), one.imag))
        for values in (flow.eigenvalues(), torch.linalg.eigvals(flow.matrix()))
    )
    assert torch.allclose(torch.tensor(found), torch.tensor(expected), atol=1e-5)
    by_values, by_matrix = (
        spectrum_numbers(each.detach().numpy()) for each in (flow.eigenvalues(), flow.matrix())
    )
    assert by_values == pytest.approx(by_matrix, abs=1e-3)  # a departure is a root of rounding


def test_it_starts_as_no_movement_and_needs_an_even_number_of_latents() -> None:
    z = torch.randn(3, 4)
    assert torch.equal(Generator(4)(z), z)
    with pytest.raises(ValueError, match="must be even, not 5"):
        Generator(5)


def test_a_state_is_its_share_of_the_noise_and_the_rest() -> None:
    trajectory = Trajectory([Level(*each) for each in LEVELS], data_scale=0.5)
    pairs = batch()
    x_T, unit = pairs.noise(), pairs.noise() / 80
    for i, (_, sigma) in enumerate(LEVELS[1:], start=1):
        x = pairs.x_0 + sigma * unit
        # x_i = x_0 + σ_i ε with ε = (x_T − x_0) / 80 would make m_i = x_0; here ε is x_T / 80.
        m = trajectory.beyond_noise(x, x_T, number(i))
        assert torch.allclose(m, pairs.x_0 / (1 - sigma / 80) / 0.5, atol=1e-4)
        assert torch.allclose(trajectory.state(m, x_T, number(i)), x, atol=1e-5)
    assert torch.allclose(trajectory.beyond_noise(pairs.x_0, x_T, number(4)), 2 * pairs.x_0)
    assert torch.equal(trajectory.state(pairs.x_0, x_T, number(0)), x_T)


def test_what_the_encoder_sees_has_deviation_1_at_every_time() -> None:
    straight = [Level(1 - t, t) for t in (1.0, 0.6, 0.2)]
    trajectory = Trajectory(straight, data_scale=3.0)
    x_0, noise = (
        torch.randn(100_000, 1, generator=torch.Generator().manual_seed(i)) for i in (0, 1)
    )
    for i, (alpha, sigma) in enumerate([*straight, Level(1.0, 0.0)]):
        scaled = trajectory.scaled(3 * alpha * x_0 + sigma * noise, number(i))
        assert scaled.std() == pytest.approx(1, abs=0.01)
    assert trajectory.time.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])


def test_steps_are_spread_evenly_over_the_stored_times() -> None:
    trajectory = Trajectory([Level(1.0, 9.0 - i) for i in range(8)], data_scale=1.0)
    assert trajectory.stops(1) == (0, 8)
    assert trajectory.stops(3) == (0, 2, 5, 8)
    assert trajectory.stops(8) == tuple(range(9))
    with pytest.raises(ValueError, match="takes 1 to 8 steps"):
        trajectory.stops(9)


def test_a_sample_in_steps_goes_by_way_of_the_decoded_states() -> None:
    student, x_T = pictures(num_steps=2), batch().noise()
    assert student.nfe == 2
    way = student.trajectory
    with torch.no_grad():
        x = x_T
        for start, end in ((0, 2), (2, 4)):
            z = student.evolve(student.encode(x, number(start), LABELS), number(start), number(end))
            x = way.state(student.decode(z, number(end), LABELS), x_T, number(end))
    assert torch.allclose(student.generate(x_T, LABELS), x, atol=1e-5)
    student.num_steps = 1
    assert not torch.allclose(student.generate(x_T, LABELS), x, atol=1e-3)


class Exact(nn.Module):
    """E that knows the trajectories: z is x_0, flat."""

    def __init__(self, truth: Batch) -> None:
        super().__init__()
        self.truth = truth

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        """z (r, d) of rows in blocks, or of first rows."""
        return self.truth.x_0.flatten(1)[torch.arange(len(x)) % len(self.truth.x_0)]


def test_an_exact_student_has_no_loss_and_draws_the_teachers_samples() -> None:
    student, pairs = pictures(losses={"lat": 1.0, "rec": 1.0, "num_states": 2}), batch()
    gain = {i: 1 - sigma / 80 for i, (_, sigma) in enumerate(LEVELS)} | {4: 1.0}
    student.encoder = Exact(pairs)
    student.operator = Generator(64)

    class Decoder(nn.Module):
        def forward(self, z: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
            scale = torch.tensor([0.5 * gain[round(4 * (1 - float(each)))] for each in t])
            return (z / scale[:, None]).reshape(-1, 1, 8, 8)

    student.decoder = Decoder()
    losses = student.measure(pairs)
    assert set(losses.terms) == {"pred", "pred_states", "later", "lat", "rec"}
    assert losses.total < 1e-8
    for student.num_steps in (1, 2, 4):
        assert torch.allclose(student.generate(pairs.noise(), LABELS), pairs.x_0, atol=1e-4)


def test_starts_are_x_T_and_stored_states_and_later_times_follow_them() -> None:
    pairs = batch()
    every = torch.cat([pairs.noise()[:, None], pairs.between(), pairs.x_0[:, None]], 1)
    begun, rows = starts(pairs, 2), torch.arange(18) % 6
    assert torch.equal(begun.x, every[rows, begun.number])
    assert begun.number[:6].tolist() == [0] * 6
    assert begun.number[6:].min() >= 1
    assert begun.number[6:].max() <= 3
    found, short = set(), set()
    for seed in range(200):
        torch.manual_seed(seed)
        begun = starts(pairs, 2)
        start = chosen_starts(pairs, begun, 3)
        assert torch.equal(start % 6, torch.arange(3))
        there = onward(pairs, begun.number[start])
        assert torch.equal(there.x, every[torch.arange(3), there.number])
        found |= set(zip(begun.number[start].tolist(), there.number.tolist(), strict=True))
        short |= set(onward(pairs, number(0, 0), to_data=False).number.tolist())
    assert found == set(itertools.combinations(range(5), 2))
    assert short == {1, 2, 3}


def test_going_on_from_an_own_state_trains_the_step_before_it() -> None:
    student, pairs = pictures(losses={"again": 1.0, "later": 0.0}), batch()
    assert set(student.measure(pairs).terms) == {"pred", "pred_states", "again"}
    both = pictures(losses={"again": 1.0, "later": 0.5}).measure(pairs)
    assert {"later", "again", "again_later"} < set(both.terms)
    m = torch.zeros(6, 1, 8, 8, requires_grad=True)
    student._again(m, number(1, 1, 2, 2, 3, 3), pairs)["again"].backward()  # type: ignore[no-untyped-call]
    assert m.grad is not None
    assert m.grad.flatten(1).abs().sum(1).min() > 0


def test_while_it_warms_up_the_operator_rests_and_no_later_time_counts() -> None:
    student = pictures(warm_up_share=0.5)
    objective = student.objective()
    (early,), (late,) = objective.playing(0.4), objective.playing(0.5)
    assert set(early.loss(batch()).terms) == {"pred", "pred_states"}
    assert set(late.loss(batch()).terms) == {"pred", "pred_states", "later"}
    early.loss(batch()).total.backward()
    assert student.operator.turn.grad is None
    late.loss(batch()).total.backward()
    assert student.operator.turn.grad is not None
    assert student.operator.turn.grad.abs().max() > 0


def test_a_sample_of_a_split_network_costs_one_network() -> None:
    halves, whole = (
        sample_flops(KoopmanTimed(networks={**UNET, "latents": latents}, levels=LEVELS), PICTURES)
        for latents in ("every-level", "one-picture")
    )
    assert whole.total > 1.9 * halves.total
    two = KoopmanTimed(networks=UNET, levels=LEVELS, num_steps=2)
    assert sample_flops(two, PICTURES).total == 2 * halves.total
    assert not halves.uncounted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"levels": [[1, 2], [1, 3]]}, "must go from noise to data"),
        ({"levels": [[1, 2], [1, 0]]}, "must go from noise to data"),
        ({"losses": {"num_states": 0}}, "set both to 0"),
        (
            {"warm_up_share": 0.3, "adversary": {"kind": "relativistic", "starts_at": 0.2}},
            "leave adversary.starts_at out",
        ),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        KoopmanTimed(**options)


def test_pairs_without_states_or_with_other_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="the pairs hold none; make pairs with some"):
        KoopmanTimed().require_states(PairSchema(shape=(2,)))
    with pytest.raises(ValueError, match="has 4 entries, but the pairs hold 2 states; give 3"):
        KoopmanTimed(levels=LEVELS).require_states(PairSchema(shape=(2,), num_states=2))
    with pytest.raises(ValueError, match="takes at most 3; choose fewer"):
        KoopmanTimed(num_steps=4).require_states(PairSchema(shape=(2,), num_states=2))
    with pytest.raises(ValueError, match="needs the levels of x_T and of the stored states"):
        KoopmanTimed().require_trainable(PairSchema(shape=(2,), num_states=2))
