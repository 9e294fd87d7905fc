"""The blocks of code on the pages, and which of their lines a reader can type here.

Every block runs in a test, except for what a comment above it excuses, which readers of the page don't see:
`<!-- not run: needs Docker -->` excuses the whole block, and `<!-- not run: s3:// needs a bucket -->` those
of its lines that hold `s3://`; `; ` separates several.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BESIDE = [ROOT / "findings" / "README.md", ROOT / "examples" / "README.md"]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *BESIDE])
SHELL = ("sh", "bash")
_BLOCK = re.compile(
    r"(?:^<!-- not run: ([^\n]+) -->\n\n?)?^(?P<fence>`{3,})([^\n`]*)\n(.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
_EXCUSE = re.compile(r"(?:(.+?) )?needs (.+)")


class Block(NamedTuple):
    """What is between two fences of a page, and why it isn't run, word by word; '' stands for all lines."""

    page: Path
    line: int
    kind: str  # the words after the fence
    text: str
    excuses: dict[str, str]

    @property
    def lines(self) -> list[str]:
        """What a reader types in a shell, without comments that fill a line."""
        return [line for line in self.text.splitlines() if line.strip() and line[0] != "#"]

    @property
    def to_run(self) -> list[str]:
        """Those of its lines that no word excuses."""
        return [line for line in self.lines if not any(word in line for word in self.excuses)]


def blocks_of(page: Path) -> list[Block]:
    """Every block of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("fence")) + 1,
            found[3],
            found[4],
            _excuses(found[1] or ""),
        )
        for found in _BLOCK.finditer(text)
    ]


def _excuses(comment: str) -> dict[str, str]:
    """Word to what it needs; a ValueError where a part of the comment says something else."""
    found = {}
    for part in filter(None, comment.split("; ")):
        excuse = _EXCUSE.fullmatch(part)
        if not excuse:
            raise ValueError(f"{part!r} should read 'needs …' or 'WORD needs …'")
        found[excuse[1] or ""] = excuse[2]
    return found


def shell_lines(page: Path) -> list[str]:
    """What a reader of the page types in a shell, and a test runs."""
    return [line for block in blocks_of(page) if block.kind in SHELL for line in block.to_run]
