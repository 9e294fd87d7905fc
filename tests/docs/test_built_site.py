"""The site as Sphinx builds it: no warning, and its pages hold on a computer and on a phone."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import CONTRAST, LOOK, SCHEMES, WIDTHS, chromium, needs_browser, opened

ROOT = Path(__file__).parents[2]
with pytest.MonkeyPatch.context() as paths:  # not a package that is installed
    paths.syspath_prepend(ROOT)
    from website.addresses import judged
pytestmark = pytest.mark.peers
PAGES = (
    *("index", "tutorial", "glossary", "commands", "results", "about", "options/recipe"),
    *("options/students", "command-line/kdm", "api/metrics", "files/kdm/level.py"),
)


def sphinx(*words: object) -> subprocess.CompletedProcess[str]:
    """Sphinx with the project's settings."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "website"]
    return subprocess.run(
        [*command, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600
    )


def two_pages(folder: Path, text: str) -> Path:
    """The sources of a site: an index, and a page with one heading."""
    folder.mkdir()
    contents = "```{toctree}\n:hidden:\n\nother\n```\n"
    (folder / "index.md").write_text(f"# Index\n\n{text}\n\n{contents}")
    (folder / "other.md").write_text("# Other\n\n## One head\n\nWords.\n")
    return folder


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    pages, html = folder / "pages", folder / "html"
    subprocess.run([sys.executable, "-m", "website", str(pages)], cwd=ROOT, check=True)
    ended = sphinx("-b", "html", pages, html)
    assert ended.returncode == 0, ended.stderr[-4000:]
    return html


def test_every_page_is_built(html: Path) -> None:
    assert all((html / f"{page}.html").is_file() for page in PAGES)


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("other.md#one-head", 0),
        ("other.md#two-heads", 1),
        ("#none", 1),
        ("none.md", 1),
        ("none.png", 1),
    ],
)
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str, code: int) -> None:
    pages = two_pages(tmp_path / "pages", f"[words]({link})")
    assert sphinx("-b", "html", pages, tmp_path / "html").returncode == code


class _Answer(BaseHTTPRequestHandler):
    """A page with an anchor, a page that isn't there, and an outage."""

    def log_message(self, *_words: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self.send_response({"/page": 200, "/outage": 502}.get(self.path, 404))
        self.end_headers()
        self.wfile.write(b'<h1 id="here">Words</h1>')

    do_HEAD = do_GET


@pytest.fixture
def server() -> Iterator[str]:
    answering = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=answering.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{answering.server_port}"
    answering.shutdown()
    answering.server_close()


def test_addresses_elsewhere_are_asked_and_wrong_ones_told_from_silent_ones(
    tmp_path: Path, server: str
) -> None:
    verdicts = {
        f"{server}/page": "right",
        f"{server}/page#here": "right",
        f"{server}/page#there": "wrong",
        f"{server}/none": "wrong",
        f"{server}/outage": "not reached",
        "http://127.0.0.1:9/": "not reached",  # the port of a service that nobody runs
    }
    pages = two_pages(tmp_path / "pages", " ".join(f"[words]({uri})" for uri in verdicts))
    sphinx("-b", "linkcheck", pages, tmp_path / "links")
    lines = (tmp_path / "links" / "output.json").read_text().splitlines()
    assert {each.uri: each.verdict for each in judged(lines)} == verdicts


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
