"""Pages in a real browser, Chromium by playwright, and what must be so of every page, whatever it shows.

`faults_of` opens a page as a computer and as a phone, in light and in dark, with scripts and without.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no chromium here")
WIDTHS, SCHEMES = {"computer": 1200, "phone": 390}, ("light", "dark")
CONTRAST = 4.5  # WCAG 2.2, AA
_CHECKS = Path(__file__).with_name("page_checks")
LOOK, SORT, SAID = ((_CHECKS / name).read_text() for name in ("look.js", "sort.js", "said.js"))


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; each page that it opens is a stranger to the others."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, file: Path, faults: list[str], **how: Any) -> Iterator[Any]:
    """A page at a file; what it complains of or asks for elsewhere is added to `faults`."""
    context = browser.new_context(**how)
    page = context.new_page()
    page.on("console", lambda said: _note(faults, said))
    page.on("pageerror", lambda error: faults.append(f"an error: {error}"))
    page.on("request", lambda asked: _ask(faults, asked.url))
    try:
        page.goto(file.as_uri())
        yield page
    finally:
        context.close()


def _note(faults: list[str], said: Any) -> None:
    if said.type in ("error", "warning"):
        faults.append(f"on the console: {said.text}")


def _ask(faults: list[str], address: str) -> None:
    if not address.startswith(("file:", "data:", "blob:")):
        faults.append(f"it asks for {address}")


def faults_of(browser: Any, file: Path) -> list[str]:
    """What is wrong with a page, a sentence each; none of a sound one."""
    faults: list[str] = []
    for device, width in WIDTHS.items():
        for scheme in SCHEMES:
            size = {"width": width, "height": 900}
            with opened(browser, file, faults, viewport=size, color_scheme=scheme) as page:
                found = page.evaluate(LOOK, [width, CONTRAST])
                faults += [f"{each} ({device}, {scheme})" for each in found]
    with opened(browser, file, faults) as page:
        said = page.evaluate(SAID)
        faults += page.evaluate(SORT)
    with opened(browser, file, faults, java_script_enabled=False) as page:
        if page.evaluate(SAID) != said:
            faults.append("without scripts it says something else")
    return list(dict.fromkeys(faults))
