"""The report: one HTML file that needs no network, students beside their teacher.

Pictures are in the page as data, its one script is checked by its digest, and every field is
escaped: the file can be mailed, kept for years and opened anywhere.
"""

from collections.abc import Mapping

from kdm.metrics.metric import Meaning
from kdm.report.best import how_marked
from kdm.report.budgets import compared
from kdm.report.content import ReportContent
from kdm.report.facts import key_facts
from kdm.report.seeds import by_seeds
from kdm.report.tables import SampleCounts, by_samples, columns, groups, rows
from kdm.report.template import render


def render_report(content: ReportContent, meanings: Mapping[str, Meaning]) -> str:
    """The page as one string of HTML; equal content gives an equal page.

    `meanings` name and order the columns of the table of numbers (`kdm.evaluate.meanings_of`). Numbers on
    held-out noise come first, then those on fresh noise.
    """
    ordered = by_samples(meanings)
    counts = SampleCounts(content.num_heldout, content.num_fresh)
    students = by_seeds(content.students)
    table = rows(students, content.references, meanings=ordered, counts=counts)
    fields = {
        "content": content,
        "facts": key_facts(content),
        "groups": groups(ordered, counts),
        "columns": columns(ordered),
        "rows": table,
        "has_errors": any(cell.note.startswith("±") for row in table for cell in row.cells),
        "has_intervals": any(each.intervals for each in (*students, *content.references)),
        "budget_words": compared(content.budgets),
        "mark_words": how_marked(students, ordered),
        "has_seeds": len(students) < len(content.students),
    }
    return render("report.html.j2", fields)
