"""Text is UTF-8 wherever it is read or written, whatever the machine takes it for."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("storage", "kdm", "pairgen", "flows", "benchmarks")
ALWAYS = ("read_text", "write_text", "TextIOWrapper")
MODES = ("r", "w", "a", "x", "rt", "wt", "w+", "r+")


def calls(file: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Call):
            yield node, getattr(node.func, "attr", getattr(node.func, "id", ""))


def is_text(call: ast.Call, name: str) -> bool:
    """Whether what the call opens or reads is text."""
    if name in ALWAYS:
        return True
    words = [getattr(each, "value", None) for each in call.args]
    if name == "open" and isinstance(call.func, ast.Name):
        return not any("b" in str(word) for word in words)
    is_opened = name == "open" or name.endswith("TemporaryFile")
    return is_opened and bool(words) and words[0] in MODES


def test_every_text_that_is_read_or_written_names_its_encoding() -> None:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    nameless = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in files
        for call, name in calls(file)
        if is_text(call, name) and "encoding" not in {each.arg for each in call.keywords}
    ]
    assert nameless == []
