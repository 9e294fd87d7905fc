"""A click on a head of the report's tables sorts their rows; tried in a browser where there is one."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kdm.metrics.metric import Meaning
from kdm.report.content import Ancestor, Numbers, ReportContent, StudentEntry
from kdm.report.page import render_report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
MEANINGS = {
    "error": Meaning("error", "an error", "lower", "heldout"),
    "share": Meaning("share", "a share", "higher", "fresh", is_fraction=True),
}
ERRORS = {"kdm-10": 1234.0, "kdm-9": 3.8e-4, "reflow": 0.04, "get": 12.5, "unmeasured": None}
DIGESTS = ["12e456789012", "9f0000000000", "100000000000"]
# Clicks the heads named in `clicks` (table, column, times), then tells the first column of each.
DRIVER = """<script>
const told = CLICKS.map(([place, column, times]) => {
  const table = document.querySelectorAll("table")[place];
  const head = table.tHead.rows[table.tHead.rows.length - 1].cells[column];
  for (let each = 0; each < times; each++) head.click();
  return [...table.tBodies[0].rows].map((row) => row.cells[SHOWN[place]].firstChild.textContent);
});
document.body.dataset.told = JSON.stringify(told);
</script>"""


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


def sorted_by(clicks: list[tuple[int, int, int]], folder: Path) -> list[list[str]]:
    driver = DRIVER.replace("CLICKS", json.dumps(clicks)).replace("SHOWN", "[0, 2]")
    # The page's policy lets no script run but its own, so this copy has none.
    unguarded = re.sub(r"<meta http-equiv=[^>]*>", "", page())
    (folder / "page.html").write_text(unguarded.replace("</body>", f"{driver}</body>"))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    (told,) = re.findall(r'data-told="([^"]*)"', ended.stdout)
    found: list[list[str]] = json.loads(html.unescape(told))
    return found


@pytest.mark.skipif(not BROWSER, reason="no chromium here")
def test_numbers_sort_as_numbers_names_in_their_order_and_digests_as_text(tmp_path: Path) -> None:
    clicks = [(0, 1, 1), (0, 1, 1), (0, 0, 1), (1, 2, 1)]
    up, down, by_name, digests = sorted_by(clicks, tmp_path)
    assert up == ["teacher", "kdm-9", "reflow", "get", "kdm-10", "unmeasured"]
    assert down == ["teacher", "kdm-10", "get", "reflow", "kdm-9", "unmeasured"]
    assert by_name == ["teacher", "get", "kdm-9", "kdm-10", "reflow", "unmeasured"]
    assert digests == sorted(DIGESTS)
