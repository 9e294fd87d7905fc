"""One shard: each pair from its index alone, nothing invalid, nothing rejected."""

import numpy as np
import pytest
import torch

from pairgen.environment import environment
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from pairgen.filters.near_copy import NearCopy
from pairgen.generation import GeneratedShard, generate_shard
from pairgen.invalid_rate import check_invalid_rate
from pairgen.samplers.euler import Euler
from pairgen.samplers.midpoint import Midpoint
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField
from storage.digest import canonical_json
from storage.errors import InvalidPairsError, MismatchError
from storage.noise import derive_noise
from storage.records import LabelRule, NoiseRule, PairSchema, content_digest

SPEC = PairSpec(
    teacher=TeacherIdentity(plugin=GaussianTeacher(), weights="0" * 64),
    sampler=Midpoint(num_steps=1),
    pairs=PairSchema(shape=(2,), noise=NoiseRule(seed=8)),
)
INDEX = np.arange(100)


class Broken(GaussianField):
    """Gives `value` where the noise of index 7 starts, for the first `num_times` evaluations."""

    def __init__(self, value: float, num_times: int = 1000) -> None:
        super().__init__(torch.zeros(2), 2 * torch.ones(2))
        self.value, self.num_left = value, num_times
        self.start = torch.from_numpy(derive_noise(SPEC.pairs.noise, "train", np.array([7]), (2,)))

    def velocity(self, x, t, label=None):
        found = super().velocity(x, t, label)
        is_broken = (x == self.start).all(dim=1)
        if is_broken.any() and self.num_left > 0:
            self.num_left -= 1
            found[is_broken] = self.value
        return found


class ByLabel(GaussianField):
    """One step of midpoint carries a sample half the way to its class."""

    def velocity(self, x, t, label=None):
        return x - label[:, None].to(x)


class Narrow(GaussianField):
    """Forgets a column."""

    def velocity(self, x, t, label=None):
        return x[:, :1]


def field() -> GaussianField:
    return GaussianTeacher().build((2,))


def generated(spec=SPEC, teacher=None, split="train", index=INDEX, batch=32) -> GeneratedShard:
    return generate_shard(spec, teacher or field(), split, index, sampling_batch=batch)


def with_pairs(**changes) -> PairSpec:
    schema = PairSchema(**{"shape": (2,), "noise": NoiseRule(seed=8), **changes})
    return SPEC.model_copy(update={"pairs": schema})


def test_a_pair_depends_on_its_index_and_on_nothing_else():
    some = np.array([93, 5, 41])
    whole, part = generated().pairs, generated(index=some, batch=2).pairs
    assert np.array_equal(part.x_T, whole.x_T[some])
    assert np.array_equal(part.x_0, whole.x_0[some])


def test_splits_share_no_noise():
    assert not np.isin(generated(split="heldout").pairs.x_T, generated().pairs.x_T).any()


def test_equal_batches_give_equal_bytes():
    digests = {content_digest(generated().pairs.columns(SPEC.pairs)) for _ in range(3)}
    assert len(digests) == 1


def test_x_0_is_where_the_sampler_carries_x_T():
    pairs = generated().pairs
    x_0 = SPEC.sampler.sample(field(), torch.from_numpy(pairs.x_T)).x_0
    assert np.array_equal(pairs.x_0, x_0)


def test_labels_reach_the_teacher():
    spec = with_pairs(label=LabelRule(num_classes=10))
    teacher = ByLabel(torch.zeros(2), torch.ones(2))
    pairs = generated(spec, teacher).pairs
    assert np.array_equal(pairs.label, INDEX % 10)
    assert np.allclose(pairs.x_0, (pairs.x_T + pairs.label[:, None]) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "reason"), [(float("nan"), "nan"), (float("inf"), "inf"), (1e4, "range")]
)
def test_an_invalid_sample_is_left_out_with_its_index_and_reason(value, reason):
    shard = generated(with_pairs(value_range=(-1000, 1000)), Broken(value))
    assert shard.dropped == {reason: [7]}
    assert shard.pairs.index.tolist() == [index for index in INDEX if index != 7]
    assert shard.attempted == 100


def test_an_invalid_sample_is_tried_once_more():
    assert generated(teacher=Broken(float("nan"), num_times=1)).dropped == {}
    assert generated(teacher=Broken(float("nan"), num_times=2)).dropped == {"nan": [7]}


def test_a_shape_that_is_not_the_schemas_is_refused():
    with pytest.raises(InvalidPairsError, match=r"velocity is torch.float32 \[32, 1\]"):
        generated(teacher=Narrow(torch.zeros(2), torch.ones(2)))


def test_a_type_that_is_not_the_noises_is_refused():
    class Double(Midpoint):
        def steps(self, teacher, x_T, label):
            yield x_T.double()

    with pytest.raises(InvalidPairsError, match=r"passed is torch.float64 \[32, 2\]"):
        generated(SPEC.model_copy(update={"sampler": Double(num_steps=1)}))


def test_float16_pairs_are_the_float32_ones_rounded():
    halves = generated(with_pairs(x_0_dtype="float16", rounding="half-even")).pairs.x_0
    assert np.array_equal(halves, generated().pairs.x_0.astype(np.float16))


@pytest.mark.parametrize(
    ("rounding", "offset", "rounded"), [("half-even", 127.5, np.rint), ("floor", 128, np.floor)]
)
def test_bytes_are_the_floats_rounded_by_the_stated_rule(rounding, offset, rounded):
    pairs = generated(with_pairs(x_0_dtype="uint8", rounding=rounding)).pairs
    scaled = 127.5 * generated().pairs.x_0 + np.float32(offset)
    assert pairs.x_0.dtype == np.uint8
    assert np.array_equal(pairs.x_0, np.clip(rounded(scaled), 0, 255))


def test_the_range_is_judged_before_rounding():
    wide, narrow = (
        generated(with_pairs(x_0_dtype="uint8", rounding="floor", value_range=(-end, end)))
        for end in (20, 2)
    )
    outside = np.abs(generated().pairs.x_0).max(axis=1) > 2
    assert wide.dropped == {}
    assert narrow.dropped == {"range": np.flatnonzero(outside).tolist()}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_byte_hides_an_invalid_sample(value):
    shard = generated(with_pairs(x_0_dtype="uint8", rounding="half-even"), Broken(value))
    assert shard.dropped == {"inf" if np.isinf(value) else "nan": [7]}
    assert len(shard.pairs.x_0) == 99


def test_a_number_that_float16_cannot_hold_is_left_out_as_infinite():
    halves = with_pairs(x_0_dtype="float16", rounding="half-even")
    halves = halves.model_copy(update={"sampler": Euler(num_steps=1)})
    assert generated(halves, Broken(-65_400)).dropped == {}
    assert generated(halves, Broken(-65_600)).dropped == {"inf": [7]}


def with_states(num_states: int = 3, **changes) -> PairSpec:
    spec = with_pairs(num_states=num_states, **changes)
    return spec.model_copy(update={"sampler": Euler(num_steps=4)})


def test_states_lie_beside_the_same_x_0():
    pairs = generated(with_states()).pairs
    x_0, states, _ = Euler(num_steps=4).sample(field(), torch.from_numpy(pairs.x_T), keep_states=3)
    assert np.array_equal(pairs.x_0, x_0)
    assert np.array_equal(pairs.states, states)
    assert generated(with_states(0)).pairs.states is None


def test_states_are_rounded_to_their_own_type():
    halves = generated(with_states(states_dtype="float16", x_0_dtype="uint8", rounding="floor"))
    assert (halves.pairs.states.dtype, halves.pairs.x_0.dtype) == (np.float16, np.uint8)
    assert np.array_equal(
        halves.pairs.states, generated(with_states()).pairs.states.astype(np.float16)
    )


def test_a_state_that_cannot_be_stored_leaves_its_pair_out():
    assert generated(with_states(), Broken(1e6)).dropped == {}
    assert generated(with_states(), Broken(float("nan"), 1)).dropped == {}
    shard = generated(with_states(states_dtype="float16"), Broken(1e6))
    assert shard.dropped == {"inf": [7]}
    assert shard.pairs.states.shape == (99, 3, 2)


def test_noise_of_another_scale_than_the_teachers_is_refused():
    with pytest.raises(MismatchError, match=r"deviation 80\.0, the teacher starts from 1\.0"):
        generated(with_pairs(noise=NoiseRule(scale=80)))


def test_a_stage_may_have_one_invalid_pair_in_a_thousand():
    check_invalid_rate({"nan": [3]}, attempted=1000)
    with pytest.raises(InvalidPairsError, match=r"2 of 1999 .*inf: 1, first at 9; nan: 1"):
        check_invalid_rate({"nan": [3], "inf": [9]}, attempted=1999)


def dropping(planted: np.ndarray) -> tuple[PairSpec, Judge]:
    judge = fit_judge(NearCopy(), planted)
    rule = DropRule.of(judge.chosen, reference=judge.reference, threshold=1e-3)
    return SPEC.model_copy(update={"drop_at_write": (rule,)}), judge


def test_a_rejected_pair_leaves_an_audit_row_and_no_value():
    planted = generated().pairs.x_0[[11, 70]]
    spec, judge = dropping(planted)
    shard = generate_shard(spec, field(), "train", INDEX, sampling_batch=32, filters=[judge])
    assert shard.dropped == {"near-copy": [11, 70]}
    assert len(shard.pairs) == 98
    assert [row["index"] for row in shard.audit] == [11, 70]
    assert {"x_0", "x_T"}.isdisjoint(shard.audit[0])


def test_an_audit_row_says_who_judged_by_what():
    spec, judge = dropping(generated().pairs.x_0[[11]])
    shard = generate_shard(spec, field(), "train", INDEX, sampling_batch=32, filters=[judge])
    (row,), (rule,) = shard.audit, spec.drop_at_write
    assert (row["score"], row["threshold"], row["reason"]) == (0.0, 1e-3, "near-copy")
    assert (row["score_digest"], row["decision_digest"]) == (rule.score, rule.decision)


def test_pairs_are_not_judged_by_another_filter_than_the_specs():
    spec, _ = dropping(generated().pairs.x_0[[11]])
    _, other = dropping(generated().pairs.x_0[[12]])
    for filters in [[], [other]]:
        with pytest.raises(MismatchError, match="drop_at_write has score digests"):
            generate_shard(spec, field(), "train", INDEX, sampling_batch=32, filters=filters)


def test_an_environment_is_json_and_names_the_batch():
    found = environment(torch.device("cpu"), precision="float32", sampling_batch=32)
    assert canonical_json(found)
    assert (found["device"], found["sampling_batch"]) == ("cpu", 32)
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()


def test_an_environment_says_whose_convolutions_and_what_holds_them_lower(
    monkeypatch: pytest.MonkeyPatch,
):
    def found() -> dict:
        return environment(torch.device("cpu"), precision="float32", sampling_batch=32)

    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_CBWR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pairgen.environment.has_wide_vectors", lambda: False)
    assert not {"convolutions", "held_levels"} & found().keys()
    monkeypatch.setattr("pairgen.environment.has_wide_vectors", lambda: True)
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    assert found()["convolutions"] == "torch"
    assert found()["held_levels"] == {"MKL_CBWR": "AVX2"}
