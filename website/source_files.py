"""The code as it stands in its files: where a name is defined, and the comments of a class's fields.

Nothing is imported, so that torch isn't needed to read what a file says of itself.
"""

import ast
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from website.places import PACKAGES, ROOT

Node = ast.ClassDef | ast.FunctionDef | ast.Assign


class Definition(NamedTuple):
    """A name's own place: its module, its file below the repository, and the statement that defines it."""

    module: str
    file: str
    node: Node

    @property
    def name(self) -> str:
        """Its dotted name."""
        return f"{self.module}.{name_of(self.node)}"


def definition(dotted: str) -> Definition:
    """Of a dotted name, by way of the modules that pass it on; a ValueError if nothing defines it."""
    module, _, name = dotted.rpartition(".")
    file = _file_of(module)
    for node in parsed(file).body:
        if isinstance(node, Node) and name_of(node) == name:
            return Definition(module, file.relative_to(ROOT).as_posix(), node)
    for each in ast.walk(parsed(file)):
        if isinstance(each, ast.ImportFrom) and (each.module or "").startswith(PACKAGES):
            passed = [alias.name for alias in each.names if (alias.asname or alias.name) == name]
            if passed:
                return definition(f"{each.module}.{passed[0]}")
    raise ValueError(f"{file} doesn't define {name}; correct the list of names in website/names.py")


def name_of(node: Node) -> str:
    """The name that a statement defines."""
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else node.name


def base_of(found: Definition, base: ast.expr) -> Definition | None:
    """The project's class of this name among the bases of another; None of a library's."""
    if not isinstance(base, ast.Name):
        return None
    try:
        return definition(f"{found.module}.{ast.unparse(base)}")
    except ValueError:
        return None


def fields_of(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """The annotated names in a class's body."""
    return [each for each in node.body if isinstance(each, ast.AnnAssign)]


def comment_of(file: Path, node: ast.stmt) -> str:
    """The comment above a statement, beside it, or both."""
    lines = _comments(file)
    before = range(node.lineno - 1, 0, -1)
    above = [lines[at][0] for at in takewhile(lambda at: lines.get(at, ("", False))[1], before)]
    beside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return " ".join([*reversed(above), *(lines[at][0] for at in beside if at in lines)])


def class_comments(file: Path, name: str) -> Iterator[tuple[str, str]]:
    """Each field that a class of a file defines, with its comment."""
    classes = [each for each in parsed(file).body if isinstance(each, ast.ClassDef)]
    for field in fields_of(next(each for each in classes if each.name == name)):
        yield ast.unparse(field.target), comment_of(file, field)


@cache
def parsed(file: Path) -> ast.Module:
    """A file's statements."""
    return ast.parse(file.read_bytes())


@cache
def _comments(file: Path) -> Mapping[int, tuple[str, bool]]:
    """The comments of a file by line, and whether the line holds nothing else."""
    with file.open("rb") as source:
        tokens = [
            each for each in tokenize.tokenize(source.readline) if each.type == tokenize.COMMENT
        ]
    return {
        each.start[0]: (each.string.lstrip("# ").rstrip(), each.line.lstrip().startswith("#"))
        for each in tokens
    }


def _file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
