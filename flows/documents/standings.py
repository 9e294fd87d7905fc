"""The table of students next to their teacher that ends a run, on the terminal and on Prefect's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.config.wishes import missing_words
from flows.documents.numbers import entry, references, require_one_protocol, settings_of
from flows.stage import Run, StageResult
from kdm.evaluate.evaluate import meanings_of
from kdm.report.budgets import unequal
from kdm.report.seeds import by_seeds
from kdm.report.tables import SampleCounts, by_samples, columns, rows


@dataclass(frozen=True)
class Standings:
    """Printed numbers: one line per metric; the teacher's column first, then one per student."""

    names: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]  # label, teacher, students
    note: str = ""  # a sentence for below the table

    def table(self) -> list[list[str]]:
        """The header and all lines."""
        return [["", *self.names], *map(list, self.lines)]


def standings(run: Run, results: Sequence[StageResult]) -> Standings | None:
    """The table of the evaluations among the results; None without evaluations."""
    evaluated = [result.facts for result in results if result.stage == "evaluate"]
    if not evaluated:
        return None
    require_one_protocol(evaluated)
    meanings = by_samples(meanings_of(run.recipe.evaluation.metrics))
    first = evaluated[0]
    students = by_seeds([entry(facts, settings_of(run, facts["student"])) for facts in evaluated])
    counts = SampleCounts(first["num_heldout"], first["num_fresh"])
    printed = rows(students, references(first), meanings=meanings, counts=counts)
    heads = [f"{column.label} {column.arrow}" for column in columns(meanings)]
    lines = [(head, *(row.cells[i].line for row in printed)) for i, head in enumerate(heads)]
    names = [facts["student"] for facts in evaluated]
    images = {name: run.recipe.student(name).num_images for name in names}
    note = " ".join(filter(None, (unequal(images), missing_words(run.recipe))))
    return Standings(tuple(row.name for row in printed), tuple(lines), note)
