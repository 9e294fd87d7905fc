"""Where a file of the repository stands on the site, and its links rewritten to lead there.

A page of docs/ keeps its name. The README and its like get one of their own, and any other file that a page
links to or names between backticks is shown whole on a page below `files/`.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("storage", "kdm", "pairgen", "flows")
DOCS = "docs"
FILES = "files"
ELSEWHERE = {
    "docs/README.md": "index.md",
    "README.md": "about.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "findings/README.md": "findings.md",
}
_FENCE = re.compile(r"^(`{3,})[^`]*$")
_LINK = re.compile(r'(\]\(|src=")(?!https?:|mailto:|#)([^)#"\s]+)')
# A link that says no more than the name of the page that it leads to.
_BY_NAME = re.compile(r"\[(?:[\w-]+/)*([\w-]+\.md)\]\(([^)#]*\b\1)(#[^)]*)?\)")
# A file of the code by its path, between backticks and not yet a link.
_NAMED = re.compile(
    r"(?<![\[`])`((?:kdm|pairgen|storage|flows|benchmarks|findings)/[\w./-]+\.\w+)`"
)


def place_of(file: str) -> str:
    """Where a file of the repository stands on the site; both are relative paths with '/'."""
    if file in ELSEWHERE:
        return ELSEWHERE[file]
    if file.startswith(f"{DOCS}/"):
        return file.removeprefix(f"{DOCS}/")
    return f"{FILES}/{file}.md"


def title_of(page: str) -> str:
    """The heading of a Markdown file of the repository."""
    first = (ROOT / page).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("# ")


def own_pages() -> list[str]:
    """The Markdown files that are pages, the index first."""
    pages = sorted(f"{DOCS}/{file.name}" for file in (ROOT / DOCS).glob("*.md"))
    return [*ELSEWHERE, *(page for page in pages if page not in ELSEWHERE)]


def rewritten(text: str, page: str) -> tuple[str, set[str]]:
    """A page's text with links as the site has them, and the files that it links to.

    A link whose words are a page's file name gets the page's title for words. Lines keep their numbers,
    so that a warning of Sphinx names the line of the page itself. Code between fences stays as it is.
    A ValueError names every link to a file that isn't there.
    """
    require_files(text, page)
    needed: set[str] = set()

    def link(found: re.Match[str]) -> str:
        target = _file_at(found[2], page)
        needed.add(target)
        return found[1] + _from(page, place_of(target))

    def titled(found: re.Match[str]) -> str:
        return f"[{title_of(_file_at(found[2], page))}]({found[2]}{found[3] or ''})"

    def named(found: re.Match[str]) -> str:
        if not (ROOT / found[1]).is_file():  # a file that the page tells its reader to write
            return found[0]
        needed.add(found[1])
        return f"[`{found[1]}`]({_from(page, place_of(found[1]))})"

    def each(line: str) -> str:
        return _NAMED.sub(named, _LINK.sub(link, _BY_NAME.sub(titled, line)))

    return outside_fences(text, each), needed


def require_files(text: str, page: str) -> None:
    """A ValueError that names each link of a page to a file that the repository doesn't have."""
    wrong = [
        f"{page}:{number} links to {found[2]}, which isn't there; correct the link"
        for number, (line, is_code) in enumerate(lines_of(text), start=1)
        for found in _LINK.finditer("" if is_code else line)
        if not (ROOT / _file_at(found[2], page)).is_file()
    ]
    if wrong:
        raise ValueError("\n".join(wrong))


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """The text, with each line that isn't code between fences changed."""
    return "".join(line if is_code else change(line) for line, is_code in lines_of(text))


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether it is code between fences or a fence."""
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line.rstrip())
        if fence:
            is_end = found is not None and found[0] == found[1] and len(found[1]) >= len(fence)
            yield line, True
            fence = "" if is_end else fence
        else:
            fence = found[1] if found else ""
            yield line, bool(fence)


def _file_at(link: str, page: str) -> str:
    """The file of the repository that a page's relative link leads to."""
    return os.path.normpath(PurePosixPath(page).parent / link).replace(os.sep, "/")


def _from(page: str, place: str) -> str:
    """The link from a page's place on the site to another place."""
    here = PurePosixPath(place_of(page)).parent
    return os.path.relpath(place, here).replace(os.sep, "/")
