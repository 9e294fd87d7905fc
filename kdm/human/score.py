"""What raters sent back: the share of answers for the student, and how sure it is.

The interval is Wilson's (1927) and the test is the exact two-sided binomial one against one half. Both
take answers as independent; those of one rater are less so, and the spread between raters is printed
beside them.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdm.human.collages import STUDENT

FORMAT = "kdm-human-answers-1"  # as in human.js


@dataclass(frozen=True)
class Answers:
    """One rater's file, checked."""

    file: str
    study: str
    rater: str
    chosen: tuple[str, ...]  # names of collages
    left: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """The answers of all raters together."""

    num_answers: int
    num_for_student: int
    interval: tuple[float, float]  # of the share, at 95 %
    p_value: float
    num_left: int
    by_rater: Mapping[str, float]  # the share of each

    @property
    def share(self) -> float:
        """Of the answers that prefer the student."""
        return self.num_for_student / self.num_answers

    @property
    def lines(self) -> list[str]:
        """For people."""
        low, high = (f"{100 * end:.1f}%" for end in self.interval)
        shares = sorted(self.by_rater.values())
        verdict = "no preference is shown" if self.p_value >= 0.05 else "a preference is shown"
        return [
            f"{100 * self.share:.1f}% of {self.num_answers:,} answers of {len(shares):,} "
            f"rater{'s' * (len(shares) != 1)} prefer the student, {low} … {high} at 95% (Wilson)",
            f"two-sided binomial test against 50%: p = {self.p_value:.3g}; {verdict}",
            f"by rater from {100 * shares[0]:.0f}% to {100 * shares[-1]:.0f}%; the left one was "
            f"chosen in {100 * self.num_left / self.num_answers:.1f}%",
        ]


def read_answers(data: bytes, file: str) -> Answers:
    """One rater's answers; a ValueError in one sentence if the file is cut off, or of something else."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ValueError(
            f"{file} isn't whole JSON: it was cut off or changed; ask its rater to save it again"
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{file} isn't a file of answers; give those that 'Save my answers' saved")
    try:
        answers, wanted = found["answers"], int(found["num_questions"])
        read = Answers(
            file,
            str(found["study"]),
            str(found["rater"]),
            tuple(str(each["chosen"]) for each in answers),
            tuple(str(each["left"]) for each in answers),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file} lacks a part of the answers; ask its rater to save it again"
        ) from error
    if len(read.chosen) != wanted:
        raise ValueError(
            f"{file} has {len(read.chosen)} of {wanted} answers; its rater can go on from that file "
            "and save it again, or leave it out"
        )
    return read


def score(files: Sequence[Answers], key: Mapping[str, Any]) -> Score:
    """The share for the student over all files; a ValueError if one isn't of this study, or comes twice.

    `key` is what building the study wrote: its name, and whose collage each name is.
    """
    _require_once(files)
    for each in files:
        _require_own(each, key)
    whose = key["collages"]
    from scipy.stats import binomtest  # takes a second

    by_rater = {each.rater: [whose[name] == STUDENT for name in each.chosen] for each in files}
    flat = [one for each in by_rater.values() for one in each]
    tested = binomtest(sum(flat), len(flat), 0.5)
    interval = tested.proportion_ci(0.95, method="wilson")
    return Score(
        num_answers=len(flat),
        num_for_student=sum(flat),
        interval=(float(interval.low), float(interval.high)),
        p_value=float(tested.pvalue),
        num_left=sum(a == b for each in files for a, b in zip(each.chosen, each.left, strict=True)),
        by_rater={rater: sum(each) / len(each) for rater, each in by_rater.items()},
    )


def _require_once(files: Sequence[Answers]) -> None:
    twice = [rater for rater, count in Counter(each.rater for each in files).items() if count > 1]
    if twice:
        named = ", ".join(each.file for each in files if each.rater == twice[0])
        raise ValueError(f"rater '{twice[0]}' is in several files: {named}; give one of them")


def _require_own(answers: Answers, key: Mapping[str, Any]) -> None:
    if answers.study != key["study"]:
        raise ValueError(
            f"{answers.file} is of study {answers.study[:12]}, and the key of study "
            f"{key['study'][:12]}; score the answers of one study at a time"
        )
    questions = {frozenset(each) for each in key["questions"]}
    given = {name for each in key["questions"] for name in each}
    asked = {next((q for q in questions if name in q), None) for name in answers.chosen}
    if not given.issuperset(answers.chosen) or len(asked) != len(questions):
        raise ValueError(
            f"{answers.file} doesn't answer each question of its study once: it was changed; ask its "
            "rater to save it again"
        )
