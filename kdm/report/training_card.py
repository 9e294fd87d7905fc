"""The card of a student that is trained and not measured yet, in Markdown with YAML front matter.

It stays until an evaluation replaces it: it says how the student was trained, its losses at the
end, and the command that measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kdm.differential_privacy import Claim, claim_fields, claim_lines
from kdm.licences import hub_fields
from kdm.report.markdown import code_block, front_matter, inline
from kdm.report.tables import number
from kdm.report.teacher_words import teacher_words


@dataclass(frozen=True)
class TrainingCard:
    """All that the card of a student without numbers says.

    Losses of different students don't compare, because their terms and weights differ.
    """

    name: str
    digest: str
    plugin: str
    pairs: str  # name of the pairs it learned from
    num_steps: int
    batch_size: int  # pairs a step
    losses: Mapping[str, float]  # at the last step, by name
    num_trainable_parameters: int
    num_inference_parameters: int
    command: str  # that measures it
    address: str  # the student's place, as `load_student` takes it
    licence: str
    finished: str = ""  # a sentence: which student was trained a second time, and how
    picture: str | None = None  # a file beside it: the teacher's images above its own
    claim: Claim | None = None  # of differential privacy
    teacher_weights: str | None = None  # digest of those that it started from


def training_card(card: TrainingCard) -> str:
    """The text of card.md, from a finished training alone; nothing is computed here.

    Once the student is evaluated, `kdm.report.card` writes the same file with its numbers.
    """
    front = {
        "name": card.name,
        "digest": card.digest,
        "plugin": card.plugin,
        "pairs": card.pairs,
        **hub_fields(card.licence),
        **claim_fields(card.claim),
        "tags": ["distillation", "one-step"],
    }
    shown = f"![The teacher’s images above the student’s of the same noise]({card.picture})"
    rows = [f"| {inline(name)} | {number(value)} |" for name, value in card.losses.items()]
    return "\n".join(
        [
            front_matter(front),
            f"# {inline(card.name)}",
            "",
            f"A `{card.plugin}` student. It learned from the pairs {inline(card.pairs)} in "
            f"{card.num_steps:,} steps of {card.batch_size:,} {teacher_words(card.teacher_weights)}",
            *([inline(card.finished)] if card.finished else []),
            "",
            *([shown, ""] if card.picture else []),
            "| loss at the last step | value |",
            "|---|---:|",
            *rows,
            "",
            f"{card.num_inference_parameters:,} parameters sample; "
            f"{card.num_trainable_parameters:,} were trained. It is not measured yet; this measures "
            "it and puts the numbers here:",
            "",
            *code_block(card.command, "sh"),
            "",
            "```python",
            "from kdm.export import load_student",
            "",
            f"student = load_student({card.address!r})",
            "x_0 = student.generate(x_T)",
            "```",
            "",
            *claim_lines(card.claim),
            f"Licence: {inline(card.licence)}.",
            "",
        ]
    )
