"""The card of a student: what it is and what it can do, in Markdown with YAML front matter.

The front matter is what the Hugging Face Hub reads (licence, tags, metrics); the text below has the
numbers beside the teacher's, how to load the student, and the command that makes it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdm.differential_privacy import Claim, claim_fields, claim_lines
from kdm.licences import hub_fields
from kdm.metrics.metric import Meaning
from kdm.report.content import Numbers, StudentEntry
from kdm.report.markdown import code_block, front_matter, inline
from kdm.report.tables import Cell, SampleCounts, printed
from kdm.report.teacher_words import teacher_words


@dataclass(frozen=True)
class StudentCard:
    """All that a student's card says.

    `references` are the rows that the student is read against: its teacher, then real samples if a metric
    has such numbers.
    """

    student: StudentEntry
    plugin: str
    teacher: str
    pairs: str  # name and digest of the pairs it learned from
    references: tuple[Numbers, ...]  # in the student’s place: the teacher, then other samples
    num_heldout: int
    num_fresh: int
    address: str  # the student's place, as `load_student` takes it
    licence: str = "apache-2.0"
    command: str = ""  # that makes this student again
    has_picture: bool = True  # samples.png is beside it
    judge: str = ""  # a sentence: who judged, and how well it tells real samples
    num_classes: int = 0  # that it can draw
    claim: Claim | None = None  # of differential privacy
    teacher_weights: str | None = None  # digest of those that it started from
    finished: str = ""  # a sentence: which student was trained a second time, and how


def student_card(card: StudentCard, meanings: Mapping[str, Meaning]) -> str:
    """The text of card.md; `meanings` name and order the rows of its table of numbers.

    Text by a user is escaped (`markdown.inline`), so that a name cannot become a link or a tag.
    """
    student = card.student
    picture = ["![The teacher’s samples beside the student’s](samples.png)", ""]
    front = {
        "name": student.name,
        "digest": student.digest,
        "plugin": card.plugin,
        "teacher": card.teacher,
        "pairs": card.pairs,
        **hub_fields(card.licence),
        **claim_fields(card.claim),
        "tags": ["distillation", "one-step", "koopman"],
        "metrics": dict(student.values),
    }
    classes = f" and one of {card.num_classes} classes" if card.num_classes else ""
    counts = SampleCounts(card.num_heldout, card.num_fresh)
    rows = [Numbers(student.name, student.values, student.intervals), *card.references]
    numbers = [
        _line([meaning.label, *(_printed(row, name, meaning, counts) for row in rows)])
        for name, meaning in meanings.items()
    ]
    return "\n".join(
        [
            front_matter(front),
            f"# {inline(student.name)}",
            "",
            f"A `{card.plugin}` student of {inline(card.teacher)}: one network evaluation takes "
            f"noise x_T{classes} to a sample x_0.",
            f"It learned from the pairs {inline(card.pairs)} {teacher_words(card.teacher_weights)}",
            *([inline(card.finished)] if card.finished else []),
            "",
            *(picture if card.has_picture else []),
            _line(["number", "student", *(f"{each.name} {each.note}" for each in card.references)]),
            "|---|" + "---:|" * len(rows),
            *numbers,
            "",
            *([card.judge, ""] if card.judge else []),
            f"On {card.num_heldout:,} held-out pairs and {card.num_fresh:,} samples from fresh "
            f"noise. {student.num_inference_parameters:,} parameters sample; "
            f"{student.num_trainable_parameters:,} were trained.",
            "",
            *_loading(card),
            "",
            *claim_lines(card.claim),
            *(["Made by:", "", *code_block(card.command, "sh"), ""] if card.command else []),
            f"Licence: {inline(card.licence)}.",
            "",
        ]
    )


def _loading(card: StudentCard) -> list[str]:
    """How the student is loaded and called."""
    lines = (
        "from kdm.export import load_student",
        "",
        f"student = load_student({card.address!r})",
        f"x_0 = student.generate(x_T{', label' if card.num_classes else ''})",
    )
    return code_block("\n".join(lines), "python")


def _line(cells: Sequence[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _printed(row: Numbers, name: str, meaning: Meaning, counts: SampleCounts) -> str:
    """One number of a row with its interval, as a cell of the table."""
    cell = Cell(*printed(row, name, meaning, counts))
    return cell.line if name in row.values else cell.text
