"""The few figures at the top of the page, read off its tables.

A reader should see within a second how many pairs there are, how well the best student agrees with its
teacher, and how much faster it is; what the content doesn't tell is left out.
"""

from dataclasses import dataclass

from kdm.report.content import ReportContent

_SHARES = {"same_cell": "in the teacher’s cell", "class_agreement": "show the requested class"}


@dataclass(frozen=True)
class Fact:
    """A figure and what it is."""

    figure: str
    words: str


def key_facts(content: ReportContent) -> tuple[Fact, ...]:
    """The content's facts on pairs, agreement and speed, in this order; missing ones are left out.

    Speed needs a student's rate and the teacher's.
    """
    facts = [_pairs(content), *_agreements(content), *_speed(content)]
    return tuple(fact for fact in facts if fact is not None)


def _pairs(content: ReportContent) -> Fact | None:
    """How many pairs each split kept; None without splits."""
    kept = [f"{split.kept:,} {split.split}" for split in content.splits]
    masked = sum(split.masked for split in content.splits)
    dropped = sum(split.attempted - split.stored for split in content.splits)
    words = f"pairs kept ({masked:,} masked, {dropped:,} dropped)"
    return Fact(" + ".join(kept), words) if kept else None


def _agreements(content: ReportContent) -> list[Fact | None]:
    """The best student's share of each number that is a share of agreement."""
    return [_highest(content, name, words) for name, words in _SHARES.items()]


def _highest(content: ReportContent, name: str, words: str) -> Fact | None:
    """The student with the highest share of this name; None if no student has it."""
    shares = {student.name: student.values.get(name) for student in content.students}
    known = {who: share for who, share in shares.items() if share is not None}
    if not known:
        return None
    best = max(known, key=lambda who: known[who])
    return Fact(f"{100 * known[best]:.1f}%", f"of {best}’s samples {words}")


def _speed(content: ReportContent) -> list[Fact]:
    """Evaluations and samples per CPU second of the fastest student, beside the teacher's."""
    names = {student.name for student in content.students}
    students = [rate for rate in content.rates if rate.who in names]
    teachers = [rate for rate in content.rates if rate.who not in names]
    if not (students and teachers):
        return []
    teacher = teachers[0]
    facts = [Fact(f"{teacher.nfe} → {students[0].nfe}", "network evaluations a sample")]
    fastest = max(students, key=lambda rate: rate.samples_per_cpu_second or 0)
    if teacher.samples_per_cpu_second and fastest.samples_per_cpu_second:
        ratio = fastest.samples_per_cpu_second / teacher.samples_per_cpu_second
        shown = f"{ratio:.3g}" if ratio < 1000 else f"{float(f'{ratio:.3g}'):,.0f}"
        facts.append(Fact(f"{shown}×", f"samples per CPU second, {fastest.who} to teacher"))
    return facts
