"""Cards: what a student or a set of pairs is, in Markdown with YAML front matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kdm.evaluate.metric import Meaning
from kdm.report.content import FilterCounts, SplitCounts, StudentEntry
from kdm.report.tables import SampleCounts, counted, number, percent


@dataclass(frozen=True)
class StudentCard:
    """All that a student's card says."""

    student: StudentEntry
    plugin: str
    teacher: str
    pairs: str  # name and digest of the pairs it learned from
    floor: Mapping[str, float]
    num_heldout: int
    num_fresh: int
    address: str  # where the student lies, as `load_student` takes it
    licence: str = "apache-2.0"


@dataclass(frozen=True)
class PairsCard:
    """All that a card of pairs says."""

    name: str
    digest: str
    teacher: str
    spec: Mapping[str, Any]
    splits: tuple[SplitCounts, ...]
    filters: tuple[FilterCounts, ...] = ()
    address: str = ""  # of the store
    licence: str = "apache-2.0"


def student_card(card: StudentCard, meanings: Mapping[str, Meaning]) -> str:
    """The text of card.md; it shows samples.png, which lies beside it."""
    student = card.student
    front = {
        "name": student.name,
        "digest": student.digest,
        "plugin": card.plugin,
        "teacher": card.teacher,
        "pairs": card.pairs,
        "license": card.licence,
        "tags": ["distillation", "one-step", "koopman"],
        "metrics": dict(student.values),
    }
    counts = SampleCounts(card.num_heldout, card.num_fresh)
    numbers = [
        f"| {meaning.label} | {_printed(student.values.get(name), meaning, counts)} "
        f"| {_printed(card.floor.get(name), meaning, counts)} |"
        for name, meaning in meanings.items()
    ]
    return "\n".join(
        [
            _front_matter(front),
            f"# {_inline(student.name)}",
            "",
            f"A `{card.plugin}` student of {_inline(card.teacher)}: one network evaluation takes "
            "noise x_T to a sample x_0.",
            f"It learned from the pairs {_inline(card.pairs)} and never saw its teacher.",
            "",
            "![The teacher’s samples beside the student’s](samples.png)",
            "",
            "| number | student | teacher against itself |",
            "|---|---:|---:|",
            *numbers,
            "",
            f"On {card.num_heldout:,} held-out pairs and {card.num_fresh:,} samples from fresh "
            f"noise. {student.num_inference_parameters:,} parameters sample; "
            f"{student.num_trainable_parameters:,} were trained.",
            "",
            "```python",
            "from kdm.export import load_student",
            "",
            f"student = load_student({card.address!r})",
            "x_0 = student.generate(x_T)",
            "```",
            "",
            f"Licence: {_inline(card.licence)}.",
            "",
        ]
    )


def pairs_card(card: PairsCard) -> str:
    """The text of card.md; it shows pairs.png, which lies beside it."""
    front = {
        "name": card.name,
        "digest": card.digest,
        "teacher": card.teacher,
        "license": card.licence,
        "splits": {split.split: {"attempted": split.attempted, "kept": split.kept}
                   for split in card.splits},
    }  # fmt: skip
    return "\n".join(
        [
            _front_matter(front),
            f"# {_inline(card.name)}",
            "",
            f"Pairs (x_T, x_0) of {_inline(card.teacher)}: noise, and the sample it ends in.",
            "",
            "![Noise on the left, data on the right](pairs.png)",
            "",
            "| split | attempted | kept | dropped |",
            "|---|---:|---:|---|",
            *(
                f"| {_inline(split.split)} | {split.attempted:,} | {split.kept:,} "
                f"| {counted(split.dropped)} |"
                for split in card.splits
            ),
            "",
            *_filter_lines(card.filters),
            "All that determines the pairs:",
            "",
            "```yaml",
            yaml.safe_dump(dict(card.spec), sort_keys=True, allow_unicode=True).rstrip(),
            "```",
            "",
            f"Licence: {_inline(card.licence)}.",
            "",
        ]
    )


def _filter_lines(filters: tuple[FilterCounts, ...]) -> list[str]:
    lines = [
        f"- {_inline(decision.filter)} on {_inline(decision.split)}: "
        f"{decision.judged - decision.kept:,} of "
        f"{decision.judged:,} masked at threshold {number(decision.threshold)} "
        f"(false-positive rate {decision.stated_rate})"
        for decision in filters
    ]
    return ["Filters, as masks beside the pairs:", "", *lines, ""] if lines else []


def _front_matter(fields: Mapping[str, Any]) -> str:
    return "---\n" + yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True) + "---\n"


def _printed(value: float | None, meaning: Meaning, counts: SampleCounts) -> str:
    if value is None:
        return "–"
    if not meaning.is_fraction:
        return number(value)
    return " ".join(percent(value, counts.behind(meaning))).strip()


def _inline(text: str) -> str:
    """A name as Markdown text: what could open a link, a tag or a table's cell is escaped."""
    for mark in ("\\", "`", "*", "_", "[", "]", "<", "|"):
        text = text.replace(mark, "\\" + mark)
    return text
