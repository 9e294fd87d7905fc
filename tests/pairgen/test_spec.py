"""What a spec's digest covers, and what it does not."""

import json

import pytest

from pairgen.filters.drop_rule import DropRule
from pairgen.filters.near_copy import NearCopy
from pairgen.samplers.dopri5 import Dopri5
from pairgen.samplers.euler import Euler
from pairgen.samplers.midpoint import Midpoint
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from storage.digest import canonical_json
from storage.options import parse
from storage.records import LabelRule, NoiseRule, PairSchema

RULE = DropRule.of(NearCopy(), reference="a" * 64, threshold=0.01)
SPEC = PairSpec(
    teacher=TeacherIdentity(plugin=GaussianTeacher(), weights="0" * 64),
    sampler=Midpoint(),
    pairs=PairSchema(shape=(2,)),
    drop_at_write=(RULE,),
)

CHANGES = {
    "weights": {"teacher": TeacherIdentity(plugin=GaussianTeacher(), weights="1" * 64)},
    "teacher": {"teacher": TeacherIdentity(plugin=FlowMatchingTeacher(), weights="0" * 64)},
    "its option": {"teacher": TeacherIdentity(plugin=GaussianTeacher(std=1), weights="0" * 64)},
    "sampler": {"sampler": Euler()},
    "its steps": {"sampler": Midpoint(num_steps=11)},
    "shape": {"pairs": PairSchema(shape=(3,))},
    "x_0's type": {"pairs": PairSchema(shape=(2,), x_0_dtype="float16")},
    "rounding": {"pairs": PairSchema(shape=(2,), rounding="half-even")},
    "bytes": {"pairs": PairSchema(shape=(2,), x_0_dtype="uint8", rounding="floor")},
    "states": {"pairs": PairSchema(shape=(2,), num_states=3)},
    "their type": {"pairs": PairSchema(shape=(2,), num_states=3, states_dtype="float16")},
    "range": {"pairs": PairSchema(shape=(2,), value_range=(-5, 5))},
    "noise seed": {"pairs": PairSchema(shape=(2,), noise=NoiseRule(seed=1))},
    "noise scale": {"pairs": PairSchema(shape=(2,), noise=NoiseRule(scale=80))},
    "labels": {"pairs": PairSchema(shape=(2,), label=LabelRule(num_classes=10))},
    "precision": {"precision": "tf32"},
    "guidance": {"guidance": 1.5},
    "no rule": {"drop_at_write": ()},
    "rule's threshold": {
        "drop_at_write": (DropRule.of(NearCopy(), reference="a" * 64, threshold=0.02),)
    },
    "rule's reference": {
        "drop_at_write": (DropRule.of(NearCopy(), reference="b" * 64, threshold=0.01),)
    },
    "two rules": {"drop_at_write": (RULE, RULE)},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_every_field_is_in_the_digest(changed):
    assert SPEC.model_copy(update=CHANGES[changed]).digest() != SPEC.digest()


@pytest.mark.parametrize("plugin", [Midpoint, GaussianTeacher, NearCopy])
def test_a_new_version_of_a_plugin_changes_the_digest(plugin, monkeypatch):
    before = SPEC.document()
    monkeypatch.setattr(plugin, "version", 2)
    assert SPEC.document() != before


@pytest.mark.parametrize(
    "key",
    ["count", "split", "shard_size", "format", "layout", "sampling_batch", "device", "url", "home"],
)
def test_what_changes_no_pair_is_no_part_of_a_spec(key):
    with pytest.raises(ValueError, match=f"unknown key '{key}'"):
        parse(PairSpec, {**SPEC.document(), key: 1}, "spec")
    assert f'"{key}"' not in canonical_json(SPEC.document()).decode()


def test_a_guided_sample_takes_twice_the_evaluations():
    assert SPEC.nfe == 20
    assert SPEC.model_copy(update={"guidance": 0.5}).nfe == 40
    assert SPEC.model_copy(update={"guidance": 0.5, "sampler": Dopri5()}).nfe is None


def test_a_document_reads_back_as_the_same_spec():
    again = parse(PairSpec, json.loads(canonical_json(SPEC.document())), "spec")
    assert again == SPEC
    assert again.digest() == SPEC.digest()


def test_equal_numbers_give_equal_digests_however_they_were_written():
    written = GaussianTeacher.model_validate({"std": 2, "mean": 0.5})
    spec = SPEC.model_copy(update={"teacher": TeacherIdentity(plugin=written, weights="0" * 64)})
    assert spec.digest() == SPEC.digest()


def test_a_later_field_is_left_out_while_it_is_neutral(monkeypatch):
    monkeypatch.setattr(PairSpec, "added_later", {"precision": "float32"})
    assert "precision" not in SPEC.document()


def test_a_rule_whose_digests_are_not_its_own_is_refused():
    with pytest.raises(ValueError, match=r"threshold have .*DropRule\.of"):
        DropRule.model_validate({**RULE.model_dump(), "threshold": 0.02})


@pytest.mark.parametrize(
    "stored",
    [{"noise": {"kind": "stored"}}, {"label": {"rule": "stored", "num_classes": 2}}],
)
def test_generated_pairs_have_derived_noise_and_labels(stored):
    pairs = PairSchema.model_validate({"shape": (2,), **stored})
    with pytest.raises(ValueError, match="are derived, not 'stored'"):
        PairSpec(teacher=SPEC.teacher, sampler=SPEC.sampler, pairs=pairs)


def test_bytes_without_a_rule_of_rounding_are_refused():
    with pytest.raises(ValueError, match="with rounding, 'half-even' or 'floor'"):
        PairSpec(
            teacher=SPEC.teacher,
            sampler=SPEC.sampler,
            pairs=PairSchema(shape=(2,), x_0_dtype="uint8"),
        )


def test_more_states_than_the_sampler_passes_are_refused():
    with pytest.raises(ValueError, match=r"10 states .* in 10 steps passes 9"):
        PairSpec(
            teacher=SPEC.teacher,
            sampler=Midpoint(num_steps=10),
            pairs=PairSchema(shape=(2,), num_states=10),
        )
