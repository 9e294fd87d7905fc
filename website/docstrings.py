"""A docstring as Markdown: its signs taken as they stand, and files that it names as links."""

import inspect
import os
import re
from pathlib import PurePosixPath

from website.places import DOCS, ROOT, place_of, title_of

_SIGNS = re.compile(r"([*<>\[\]|])")
_CODE = re.compile(r"(`[^`]+`)")
_PAGE = re.compile(rf"\b{DOCS}/([\w-]+\.md)\b")
_FILE = re.compile(r"(?<![\w/`\[(])((?:kdm|pairgen|storage|flows)/[\w/]+\.(?:py|yaml))\b")


def markdown_of(text: str | None, place: str) -> str:
    """Of a docstring, for the page at `place` on the site; empty without one."""
    lines = inspect.cleandoc(text or "").splitlines()
    return "\n".join(line if line.startswith("    ") else plain(line, place) for line in lines)


def plain(line: str, place: str) -> str:
    """A line's words: what looks like Markdown's signs isn't meant so, except `code`."""
    parts = _CODE.split(line)
    return "".join(
        part if number % 2 else _linked(_SIGNS.sub(r"\\\1", part), place)
        for number, part in enumerate(parts)
    )


def link_to(file: str, place: str) -> str:
    """The address of a file of the repository on the site, from the page at `place`."""
    here = PurePosixPath(place).parent
    return os.path.relpath(place_of(file), here).replace(os.sep, "/")


def _linked(part: str, place: str) -> str:
    def page(found: re.Match[str]) -> str:
        return f"[{title_of(found[0])}]({link_to(found[0], place)})"

    def file(found: re.Match[str]) -> str:
        is_there = (ROOT / found[1]).is_file()
        return f"[{found[1]}]({link_to(found[1], place)})" if is_there else found[0]

    return _FILE.sub(file, _PAGE.sub(page, part))
