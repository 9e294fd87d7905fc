"""The site as Sphinx builds it: no warning, and its pages hold on a computer and on a phone."""

import subprocess
import sys
from pathlib import Path

import pytest
from browser import CONTRAST, LOOK, SCHEMES, WIDTHS, chromium, needs_browser, opened

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.peers
PAGES = (
    *("index", "tutorial", "glossary", "commands", "results", "about", "options/recipe"),
    *("options/students", "command-line/kdm", "api/metrics", "files/kdm/level.py"),
)


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    pages, html = folder / "pages", folder / "html"
    for command in (
        ("website", str(pages)),
        ("sphinx", "-q", "-W", "-c", "website", "-b", "html", str(pages), str(html)),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=600
        )
        assert ended.returncode == 0, ended.stderr[-4000:]
    return html


def test_every_page_is_built(html: Path) -> None:
    assert all((html / f"{page}.html").is_file() for page in PAGES)


@needs_browser
def test_pages_hold_on_a_computer_and_on_a_phone_in_light_and_in_dark(html: Path) -> None:
    faults: list[str] = []
    with chromium() as browser:
        for page in PAGES:
            for width in WIDTHS.values():
                for scheme in SCHEMES:
                    size = {"width": width, "height": 900}
                    file = html / f"{page}.html"
                    with opened(browser, file, faults, viewport=size, color_scheme=scheme) as shown:
                        found = shown.evaluate(LOOK, [width, CONTRAST])
                        faults += [f"{page}: {each} ({width}, {scheme})" for each in found]
    assert faults == []
