"""The card of a set: valid YAML for the Hub, what is in the set, and no field that becomes markup."""

import re
from dataclasses import replace

import pytest
import yaml
from markdown_it import MarkdownIt

from kdm.licences import UNKNOWN, hub_fields, inherited, require_licence, said_by
from kdm.report.content import FilterCounts, SplitCounts
from kdm.report.markdown import code_block, inline, read_front_matter
from kdm.report.pairs_card import PairsCard, SplitEntry, pairs_card
from storage.records import LabelRule, NoiseRule, PairSchema

DIGEST = "0123456789abcdef" * 4
HOSTILE = '<script src="//evil">|[a](javascript:x) `b` **c**\n---\n# d\n```\n<img src=x onerror=y>'
SCHEMA = PairSchema(
    shape=(3, 8, 8),
    x_0_dtype="uint8",
    rounding="half-even",
    noise=NoiseRule(seed=9, scale=80.0),
    label=LabelRule(num_classes=10),
)
TRAIN = SplitEntry(SplitCounts("train", 256, 253, {"nan": 3}), "wds-256", 1, 253 * 208, DIGEST)
CARD = PairsCard(
    name="p",
    digest=DIGEST,
    teacher="t",
    sampler="heun in 35 evaluations of its field",
    spec={"steps": 3},
    schema=SCHEMA,
    splits=(TRAIN, replace(TRAIN, layout="zarr-256")),
    filters=(FilterCounts("near-copy", "train", 253, 250, {"near_copy": 3}, 0.002, 0.01),),
    licence="apache-2.0",
)


def front_and_text(card: PairsCard) -> tuple[dict, str]:
    text = pairs_card(card)
    return read_front_matter(text), re.split("^---\n", text, flags=re.MULTILINE)[2]


def test_a_card_opens_with_what_the_hub_reads() -> None:
    front, _ = front_and_text(CARD)
    assert (front["license"], front["size_categories"]) == ("apache-2.0", ["n<1K"])
    (split,) = front["dataset_info"]["splits"]  # one layout of it
    assert split == {"name": "train", "num_bytes": 253 * 208, "num_examples": 253}
    assert front["counts"]["train"] == {"attempted": 256, "kept": 253, "dropped": {"nan": 3}}
    assert front["content_digests"] == {"train/wds-256": DIGEST, "train/zarr-256": DIGEST}


def test_a_card_says_what_a_reader_must_know() -> None:
    _, text = front_and_text(CARD)
    for expected in (
        "0 is data, T is noise",
        "heun in 35 evaluations",
        "byte = rint(127.5 x + 127.5)",
        "one of 10 (cycle)",
        "nan 3",
        "3 of 253 masked at threshold 2.00·10⁻³",
        "![Noise on the left",
        "Licence: apache-2.0",
    ):
        assert expected in text


def test_the_line_that_derives_x_T_is_right() -> None:
    import numpy as np

    from storage.noise import derive_noise

    _, text = front_and_text(CARD)
    (line,) = re.findall(r"```python\n(.*)\n```", text)
    names = {"np": np, "index": 5}
    exec(line, names)
    expected = derive_noise(SCHEMA.noise, "train", np.array([5]), SCHEMA.shape)[0]
    assert np.array_equal(names["x_T"], expected)


def test_no_field_becomes_markup() -> None:
    split = replace(TRAIN, counts=replace(TRAIN.counts, split=HOSTILE, dropped={HOSTILE: 1}))
    hostile = replace(
        CARD,
        name=HOSTILE,
        teacher=HOSTILE,
        sampler=HOSTILE,
        spec={HOSTILE: HOSTILE},
        splits=(split,),
    )
    front, text = front_and_text(hostile)
    assert front["teacher"] == HOSTILE
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"<(\w+)", rendered))
    assert not tags & {"script", "a", "strong", "em"}
    assert (rendered.count("<h1>"), rendered.count("<img"), rendered.count("<hr")) == (1, 1, 0)


def test_inline_words_keep_to_one_line_and_code_to_its_fence() -> None:
    assert inline("a\n| b https://c www.d") == r"a \| b https\://c www\.d"
    assert code_block("x\n```\ny", "")[0] == "````"


@pytest.mark.parametrize(
    "text", ["", "no front", "---\n: [\n---\n", "---\n- a\n---\n", "---\na: 1\n"]
)
def test_a_card_without_readable_front_matter_has_no_fields(text: str) -> None:
    assert read_front_matter(text) == {}


def test_equal_licences_are_one_and_different_ones_are_named_both() -> None:
    both = inherited("cc-by-nc-sa-4.0", "apache-2.0", "apache-2.0")
    assert inherited("mit", "mit") == "mit"
    fields = hub_fields(both)
    assert fields == {"license": "other", "license_name": "apache-2.0-and-cc-by-nc-sa-4.0"}
    assert said_by(yaml.safe_load(yaml.safe_dump(fields))) == both == inherited(both, "apache-2.0")
    assert said_by({}) == UNKNOWN
    with pytest.raises(ValueError, match="lower case"):
        require_licence("CC BY: x\n")
