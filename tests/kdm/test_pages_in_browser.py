"""Every page that a run makes, in a browser; and that the checks find what is wrong with a page."""

from pathlib import Path
from typing import Any

import pytest
from browser import faults_of, needs_browser
from conftest import Finished

pytestmark = needs_browser
HEAD = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><h1>A</h1>'
ROWS = "<tbody><tr><td>2</td></tr><tr><td>1</td></tr></tbody>"
TABLE = f"<table><thead><tr><th>n</th></tr></thead>{ROWS}</table>"
WRONG = {
    '<img src="data:image/png;base64,AAAA" alt="a picture of loss">': "a picture doesn't load",
    '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">': "a picture without words",
    "<h3>B</h3>": "h3 after h1",
    "<h1>B</h1>": "not one h1",
    '<p style="color: #999; background: #fff">pale</p>': "contrast 2.8: pale",
    '<p style="width: 800px">wide</p>': "pixels wide on a screen of 390",
    '<link rel="stylesheet" href="https://example.org/x.css">': "it asks for https://example.org/x.css",
    "<script>nobody()</script>": "an error: nobody is not defined",
    "<script>document.write('<p>more</p>')</script>": "without scripts it says something else",
    '<a href="#there">on</a>': "a link leads nowhere: #there",
    "<input>": "a field without a name",
    TABLE: "a column doesn't sort: n",
}


@pytest.mark.parametrize("page", ["overview.html", "*/report.html"])
def test_a_page_of_a_run_is_sound_on_every_screen(
    page: str, finished: Finished, browser: Any
) -> None:
    (file,) = (finished.path / "reports").glob(page)
    assert faults_of(browser, file) == []


def test_what_is_wrong_with_a_page_is_found(tmp_path: Path, browser: Any) -> None:
    file = tmp_path / "page.html"
    file.write_text(f"{HEAD}{''.join(WRONG)}</body></html>")
    found = "\n".join(faults_of(browser, file))
    assert [fault for fault in WRONG.values() if fault not in found] == []
