"""The card of a student: what it is and what it can do, in Markdown with YAML front matter."""

from collections.abc import Mapping
from dataclasses import dataclass

from kdm.evaluate.metric import Meaning
from kdm.licences import hub_fields
from kdm.report.content import StudentEntry
from kdm.report.markdown import front_matter, inline
from kdm.report.tables import SampleCounts, number, percent


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
    has_picture: bool = True  # samples.png lies beside it


def student_card(card: StudentCard, meanings: Mapping[str, Meaning]) -> str:
    """The text of card.md."""
    student = card.student
    picture = ["![The teacher’s samples beside the student’s](samples.png)", ""]
    front = {
        "name": student.name,
        "digest": student.digest,
        "plugin": card.plugin,
        "teacher": card.teacher,
        "pairs": card.pairs,
        **hub_fields(card.licence),
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
            front_matter(front),
            f"# {inline(student.name)}",
            "",
            f"A `{card.plugin}` student of {inline(card.teacher)}: one network evaluation takes "
            "noise x_T to a sample x_0.",
            f"It learned from the pairs {inline(card.pairs)} and never saw its teacher.",
            "",
            *(picture if card.has_picture else []),
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
            f"Licence: {inline(card.licence)}.",
            "",
        ]
    )


def _printed(value: float | None, meaning: Meaning, counts: SampleCounts) -> str:
    if value is None:
        return "–"
    if not meaning.is_fraction:
        return number(value)
    return " ".join(percent(value, counts.behind(meaning))).strip()
