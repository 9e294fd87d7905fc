"""The few figures at the top of the page, read off its tables."""

from dataclasses import dataclass

from kdm.report.content import ReportContent


@dataclass(frozen=True)
class Fact:
    """A figure and what it is."""

    figure: str
    words: str


def key_facts(content: ReportContent) -> tuple[Fact, ...]:
    """What of pairs, agreement and speed the content tells; nothing where it does not."""
    facts = [_pairs(content), _agreement(content), *_speed(content)]
    return tuple(fact for fact in facts if fact is not None)


def _pairs(content: ReportContent) -> Fact | None:
    kept = [f"{split.kept:,} {split.split}" for split in content.splits]
    return Fact(" + ".join(kept), "pairs kept") if kept else None


def _agreement(content: ReportContent) -> Fact | None:
    shares = {student.name: student.values.get("same_cell") for student in content.students}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return None
    best = max(known, key=lambda name: known[name])
    return Fact(f"{100 * known[best]:.1f}%", f"of {best}’s samples in the teacher’s cell")


def _speed(content: ReportContent) -> list[Fact]:
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
        facts.append(Fact(f"{ratio:.3g}×", f"samples per CPU second, {fastest.who} to teacher"))
    return facts
