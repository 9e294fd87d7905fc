"""The sources of the site, written into a folder: own pages, and the files that they lead to."""

import re
import shutil
from pathlib import Path

from website.made_pages import ROWS, made_pages
from website.places import DOCS, FILES, ROOT, own_pages, place_of, rewritten

INDEX = "docs/README.md"
_LEXERS = {".py": "python", ".sh": "bash", ".yaml": "yaml", ".toml": "toml"}
_SHOWN = re.compile(
    rf"\]\((?:\.\./)*{FILES}/([^)]+)\.md\)"
)  # files of the code that a page links to
_ROW = re.compile(r"^\| \[([^\]]+)\]\(([^)#]+)\)")


def write_site(folder: Path) -> None:
    """Write every page of the site below `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    needed: set[str] = set()
    for page in own_pages():
        text, linked = rewritten((ROOT / page).read_text(encoding="utf-8"), page)
        _write(folder / place_of(page), with_contents(with_made(text)) if page == INDEX else text)
        needed |= linked
    for place, text in made_pages().items():
        _write(folder / place, text)
        needed |= {*_SHOWN.findall(text)}
    for file in sorted(needed - {*own_pages()}):
        if file.startswith(f"{DOCS}/"):
            _copy(ROOT / file, folder / place_of(file))
        else:
            _write(folder / place_of(file), shown(file))


def with_made(text: str) -> str:
    """The index with the pages that are made from the code, first in the table of reference pages."""
    head, line, rest = text.partition("\n## Reference\n")
    above, bar, below = rest.partition("|---|---|\n")
    return "".join([head, line, above, bar, *(f"{row}\n" for row in ROWS), below])


def with_contents(text: str) -> str:
    """The index, with the pages of each of its tables as a part of the site's table of contents."""
    parts = [
        f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{pages}\n```\n"
        for heading, pages in _sections(text)
        if pages
    ]
    return "\n".join([text, *parts])


def _sections(text: str) -> list[tuple[str, str]]:
    """Each heading of the second level with the pages in the table below it, a line each.

    The links are those of the site.
    """
    found = []
    for section in text.split("\n## ")[1:]:
        heading, _, rest = section.partition("\n")
        rows = [row for row in map(_ROW.match, rest.splitlines()) if row]
        pages = [f"{row[1]} <{row[2].removesuffix('.md')}>" for row in rows]
        found.append((heading, "\n".join(pages)))
    return found


def shown(file: str) -> str:
    """A file of the code as a page: it isn't in the table of contents, nor found by a search."""
    path = ROOT / file
    lexer = _LEXERS.get(path.suffix, "text")
    code = path.read_text(encoding="utf-8")
    fence = "`" * 6
    head = "---\norphan: true\nnosearch: true\n---\n"
    return f"{head}# `{file}`\n\n{fence}{lexer}\n{code.rstrip()}\n{fence}\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
