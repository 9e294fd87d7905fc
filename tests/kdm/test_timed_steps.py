"""kdm-t's samples of several evaluations: by a network of their own, which begins as the teacher's."""

import math
from typing import Any

import pytest
import torch
from test_teacher_start import LABELS, TRAINED, network_of, noise
from test_timed_teacher_coders import LEVELS, SIGMAS, STATES, denoised, near, started

from kdm.batch import Batch
from kdm.flops import sample_flops
from kdm.level import Level
from kdm.students.koopman_timed import KoopmanTimed
from kdm.students.koopman_timed_student import KoopmanTimedStudent
from kdm.students.trajectory import Trajectory
from storage.plugins import describe

ALONE = {"num_states": 0, "pred_states": 0.0, "later": 0.0}


def stepping(**options: Any) -> KoopmanTimedStudent:
    return started(TRAINED, steps={"count": 4, "share": 0.4}, losses=ALONE, **options)


def test_before_training_a_sample_in_steps_follows_the_teacher() -> None:
    student, x_T = stepping(data_scale=0.5), noise()
    x = x_T
    for sigma, after in zip(SIGMAS, (*SIGMAS[1:], 0.0), strict=True):
        kept = after / 80
        x = kept * x_T + (1 - kept) * denoised("song-unet", x, sigma)
    student.num_steps = 4
    assert near(student.generate(x_T, LABELS), x, 1e-5)
    student.num_steps = 1
    twice = denoised("song-unet", denoised("song-unet", x_T, 80.0), 0.3)
    assert near(student.generate(x_T, LABELS), twice, 1e-5)


def test_stops_are_even_in_the_angle_of_noise_and_data() -> None:
    by_angle = [
        Level(1.0, 0.5 * math.tan(math.radians(angle))) for angle in (80, 61, 42, 39, 19, 2)
    ]
    way = Trajectory(by_angle, data_scale=0.5)
    assert way.turning_stops(1) == (0, 6)
    assert way.turning_stops(2) == (0, 3, 6)  # 39 degrees are nearest to 40
    assert way.turning_stops(4) == (0, 1, 3, 4, 6)
    assert way.turning_stops(6) == (0, 1, 2, 3, 4, 5, 6)
    straight = Trajectory([Level(0.0, 1.0), Level(0.5, 0.5), Level(0.9, 0.1)], data_scale=1.0)
    assert straight.turning_stops(2) == (0, 1, 3)
    with pytest.raises(ValueError, match="takes 1 to 3 steps"):
        straight.turning_stops(4)


def test_the_stepper_learns_by_itself_at_a_rate_of_its_own() -> None:
    student, x_T = stepping(), noise()
    states = torch.stack([x_T * sigma / 80 for sigma in SIGMAS[1:]], 1)
    batch = Batch(torch.arange(5), x_0=torch.tanh(x_T), x_T=x_T, states=states, label=LABELS)
    own, stepper = student.objective().players
    assert (own.name, stepper.name, stepper.pace(0.5).rate) == ("student", "stepper", 0.1)
    stepper.loss(batch).total.backward()
    for resting in (student.encoder, student.decoder, student.operator):
        assert {each.grad is None for each in resting.parameters()} == {True}
    assert all(each.grad is not None for each in stepper.module.parameters())
    student.zero_grad(set_to_none=True)
    own.loss(batch).total.backward()
    assert {each.grad is None for each in stepper.module.parameters()} == {True}
    student.num_steps = 4  # 0.4 of five samples are two
    made = student.generate(x_T[:2], LABELS[:2])
    wanted = (made - batch.x_0[:2]).square().mean()
    assert stepper.loss(batch).terms["steps"] == pytest.approx(float(wanted), rel=1e-5)


def test_a_step_costs_one_network() -> None:
    options: dict[str, Any] = {
        "init": {"network": network_of(TRAINED)},
        "levels": LEVELS,
        "steps": {"count": 4},
    }
    one, four = (
        sample_flops(KoopmanTimed(**options, num_steps=steps), STATES).total for steps in (1, 4)
    )
    assert four == pytest.approx(2 * one, rel=0.02)  # E and D; the decoder also sees a time


def test_what_was_not_trained_is_refused() -> None:
    assert "steps" not in describe(KoopmanTimed())
    with pytest.raises(ValueError, match="set init to teacher, or leave steps out"):
        KoopmanTimed(steps={})
    with pytest.raises(ValueError, match=r"num_steps is 3, but steps\.count is 4"):
        KoopmanTimed(init="teacher", steps={}, num_steps=3)
    with pytest.raises(ValueError, match=r"steps\.count is 5, but with 3 stored states"):
        KoopmanTimed(init="teacher", steps={"count": 5}).require_states(STATES)
    student = stepping()
    student.num_steps = 2
    with pytest.raises(ValueError, match="takes 1 evaluation, or 4 and more"):
        student.generate(noise(), LABELS)
