"""What pairs will cost, said before they are made."""

import re

import pytest
import small_unet
import torch

from pairgen.costs import Costs, estimate
from pairgen.probe import Probe
from pairgen.samplers.dopri5 import Dopri5
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.teacher import Teacher
from storage.records import PairSchema

CPU = torch.device("cpu")
PLUGIN = FlowMatchingTeacher(width=16, num_layers=3)


def probe(**changes: object) -> Probe:
    return Probe(small_unet.SPEC.model_copy(update=changes), small_unet.teacher(), CPU)


def costs(probe: Probe, num_pairs: int = 10**6) -> Costs:
    return estimate(probe, num_pairs, num_bytes=3_100_000_000, sampling_batch=32)


def points() -> PairSpec:
    return PairSpec(
        teacher=TeacherIdentity(plugin=PLUGIN, weights="0" * 64),
        sampler={"plugin": "midpoint", "num_steps": 10},
        pairs=PairSchema(shape=(2,)),
    )


class Slow(Teacher):
    """Its evaluations take no time at all, but the memory holds four of them at once."""

    t_noise = noise_scale = 1.0

    def velocity(self, x, t, label=None):
        if len(x) > 4:
            raise torch.OutOfMemoryError
        return x


def test_the_flops_of_an_mlp_are_two_for_each_weight_and_sample():
    field = PLUGIN.build((2,))
    num_weights = sum(each.numel() for each in field.parameters() if each.ndim == 2)
    assert Probe(points(), field, CPU).flops() == 2 * num_weights


def test_all_pairs_take_as_many_evaluations_as_the_sampler_says():
    found = costs(Probe(points(), PLUGIN.build((2,)), CPU), num_pairs=10**8)
    assert found.nfe == 20
    assert found.flops == 20 * 10**8 * Probe(points(), PLUGIN.build((2,)), CPU).flops()
    assert found.seconds > 1


def test_guidance_doubles_evaluations_and_flops():
    plain, guided = costs(probe()), costs(probe(guidance=2.0))
    assert (guided.nfe, guided.flops) == (2 * plain.nfe, 2 * plain.flops)


def test_attention_is_counted():
    fused = torch.nn.functional.scaled_dot_product_attention

    class Attending(Slow):
        def velocity(self, x, t, label=None):
            heads = x.reshape(1, 1, 4, 8)
            return fused(heads, heads, heads).reshape(x.shape)

    spec = points().model_copy(update={"pairs": PairSchema(shape=(32,))})
    assert Probe(spec, Attending(), CPU).flops() == 2 * 2 * 4 * 4 * 8


def test_a_sentence_says_evaluations_flops_hours_and_bytes():
    found = Costs(10**6, 35, 1.48e18, 10_482.0, 3_100_000_000)
    assert found.sentence == (
        "1,000,000 pairs at 35 evaluations: 3.5e+07 evaluations, 1.48e+18 FLOPs, 2.9 h at 95.4 "
        "samples/s (measured on 64 samples, one worker), 3.1 GB"
    )


def test_a_sampler_whose_steps_the_batch_decides_has_no_known_costs_but_bytes():
    spec = points().model_copy(update={"sampler": Dopri5()})
    found = costs(Probe(spec, PLUGIN.build((2,)), CPU))
    assert found.seconds is None
    assert re.fullmatch(r"1,000,000 pairs, evaluations each: as many .*; 3.1 GB", found.sentence)


def test_too_little_memory_for_the_measurement_is_left_to_the_workers():
    assert costs(Probe(points(), Slow(), CPU)).seconds is None


def test_a_fault_of_the_teacher_is_not_taken_for_lack_of_memory():
    class Wrong(Slow):
        def velocity(self, x, t, label=None):
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        costs(Probe(points(), Wrong(), CPU))
