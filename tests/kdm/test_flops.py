"""FLOPs are counted once, by torch's counter, and nothing that multiplies vanishes."""

from types import SimpleNamespace

import pytest
import torch
from small_unet import teacher as small_teacher
from torch import nn

from kdm.flops import Flops, counted, sample_flops, step_flops, training_flops
from kdm.networks.edm_layers import Conv
from kdm.objective import Loss, Losses, Objective, Player
from kdm.presets.presets import preset
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.training.options import TrainingOptions
from storage.records import PairSchema

POINTS = PairSchema(shape=(2,))


def test_a_multiplication_with_its_addition_is_two():
    weights, vector = torch.ones(3, 5), torch.ones(5)
    assert counted(lambda: torch.ones(7, 3) @ weights) == Flops(2 * 7 * 3 * 5)
    assert counted(lambda: weights @ vector) == Flops(2 * 3 * 5)
    assert counted(lambda: vector @ vector) == Flops(2 * 5)


def test_what_multiplies_and_has_no_formula_is_named():
    found = counted(lambda: torch.linalg.eigvals(torch.eye(4)))
    assert found == Flops(0, ("linalg_eig",))
    assert counted(lambda: torch.linalg.vector_norm(torch.ones(9))) == Flops(0)


def test_a_published_coder_has_the_published_flops():
    # 5.51 GFLOPs in the published code, which doubles maps before the 1×1 convolutions of skips, not after.
    student = preset("cifar10").build().to("meta").eval()
    x_T = torch.empty(1, 3, 32, 32, device="meta")
    with torch.no_grad():
        found = counted(lambda: student.encode_T(x_T))
    assert 0.99 * 5.51e9 < found.total < 5.51e9
    assert not found.uncounted


def test_a_sample_of_an_mlp_is_two_for_each_weight():
    student = Koopman().build(POINTS)
    weights = [each.numel() for part in student.inference_modules() for each in part.parameters()]
    assert 0.97 * 2 * sum(weights) < sample_flops(Koopman(), POINTS).total < 2 * sum(weights)


def test_a_sample_of_the_factorised_student_takes_one_matrix():
    assert sample_flops(KoopmanFactorised(), POINTS) == sample_flops(Koopman(), POINTS)


def test_gradients_take_twice_what_the_forward_pass_does():
    layer, x = nn.Linear(8, 8), torch.ones(4, 8, requires_grad=True)
    forward = counted(lambda: layer(x)).total
    assert counted(lambda: layer(x).sum().backward()).total == 3 * forward


class Late(nn.Module):
    """A linear student whose critic, of half its size, comes in after a quarter of training."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.critic = nn.Linear(2, 8), nn.Linear(2, 4)

    def objective(self) -> Objective:
        def loss(layer: nn.Module) -> Loss:
            return lambda batch: Losses(layer(batch.noise()).sum(), {})

        alone = Player("student", self, loss(self.own))
        critic = Player("critic", self.critic, loss(self.critic))
        return Objective(self, (critic, alone), opening=(alone,), opening_share=0.25)


def test_a_training_is_the_sum_of_its_steps_with_the_critic_only_while_it_plays():
    plugin = SimpleNamespace(build=lambda schema: Late())
    alone, against = (step_flops(plugin, POINTS, 16, share_done=at).total for at in (0.0, 0.25))
    assert against == 1.5 * alone
    whole = training_flops(plugin, POINTS, TrainingOptions(num_steps=10, batch_size=16))
    assert whole.total == 3 * alone + 7 * against


@pytest.mark.usefixtures("narrow_vectors")
@pytest.mark.parametrize("resample", ["keep", "up"])
def test_kernels_of_our_own_count_as_the_plain_convolutions_that_they_stand_for(resample):
    conv, x = Conv(128, 128, kernel=3, resample=resample), torch.ones(1, 128, 32, 32)
    on_cpu = counted(lambda: conv(x).sum().backward())
    with torch.no_grad():
        sampled = counted(lambda: conv(x))
    pixels = 64**2 if resample == "up" else 32**2
    assert sampled.total == 2 * 9 * 128 * 128 * pixels
    # Twice: no gradient is needed at the input.
    assert on_cpu.total == 2 * sampled.total


def test_the_device_makes_no_difference():
    field, label = small_teacher(), torch.tensor([3])
    x, t = torch.ones(1, 3, 8, 8), torch.tensor(1.0)
    on_cpu = counted(lambda: field.velocity(x, t, label))
    assert on_cpu.total > 0
    assert (
        counted(lambda: field.to("meta").velocity(x.to("meta"), t.to("meta"), label.to("meta")))
        == on_cpu
    )
