"""What the tables of a page do in a browser: a click on a head sorts them, a field filters long ones."""

from pathlib import Path
from typing import Any

import pytest
from browser import needs_browser, opened

from kdm.metrics.metric import Meaning
from kdm.report.content import Ancestor, Numbers, ReportContent, StudentEntry
from kdm.report.page import render_report

MEANINGS = {
    "error": Meaning("error", "an error", "lower", "heldout"),
    "share": Meaning("share", "a share", "higher", "fresh", is_fraction=True),
}
ERRORS = {"kdm-10": 1234.0, "kdm-9": 3.8e-4, "reflow": 0.04, "get": 12.5, "unmeasured": None}
DIGESTS = ["12e456789012", "9f0000000000", "100000000000", *(f"a1{n}" + 9 * "0" for n in range(5))]
# The first column of a table's rows that are in sight.
SHOWN = """([place, column]) => [...document.querySelectorAll("table")[place].tBodies[0].rows]
  .filter((row) => row.checkVisibility()).map((row) => row.cells[column].firstChild.textContent)"""


def page() -> str:
    students = tuple(
        StudentEntry(
            name,
            "",
            {"share": 0.5} | ({} if error is None else {"error": error}),
            1,
            1,
            {"model": name},
        )
        for name, error in ERRORS.items()
    )
    teacher = Numbers("teacher", {"error": 0.0, "share": 0.9}, note="against itself")
    ancestors = tuple(Ancestor("student", "", digest) for digest in DIGESTS)
    content = ReportContent(
        "t", "now", "kdm run t", 100, 100, (teacher,), students, (), lineage=ancestors
    )
    return render_report(content, MEANINGS)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page())
    return file


@needs_browser
def test_numbers_sort_as_numbers_names_in_their_order_and_digests_as_text(
    file: Path, browser: Any
) -> None:
    with opened(browser, file, []) as shown:

        def rows_by(table: int, column: int, first: int = 0) -> list[str]:
            shown.locator("table").nth(table).locator("thead tr:last-child th").nth(column).click()
            found: list[str] = shown.evaluate(SHOWN, [table, first])
            return found

        assert rows_by(0, 1) == ["teacher", "kdm-9", "reflow", "get", "kdm-10", "unmeasured"]
        assert rows_by(0, 1) == ["teacher", "kdm-10", "get", "reflow", "kdm-9", "unmeasured"]
        assert rows_by(0, 0) == ["teacher", "get", "kdm-9", "kdm-10", "reflow", "unmeasured"]
        assert rows_by(1, 2, first=2) == sorted(DIGESTS)


@needs_browser
def test_a_long_table_shows_the_rows_with_the_words_that_are_typed(
    file: Path, browser: Any
) -> None:
    with opened(browser, file, []) as shown:
        field = shown.get_by_label("Show only rows with these words")
        assert field.count() == 1  # the other table is short
        field.fill("A12 stu")
        assert shown.evaluate(SHOWN, [1, 2]) == [each for each in DIGESTS if "a12" in each]
        assert shown.locator("output").inner_text() == f"1 of {len(DIGESTS)} rows"
        field.fill("")
        assert len(shown.evaluate(SHOWN, [1, 2])) == len(DIGESTS)
