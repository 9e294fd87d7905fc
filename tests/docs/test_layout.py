"""The layout's laws that no import contract states."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "kdm", "pairgen", "storage")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def modules() -> dict[str, ast.Module]:
    """Every file of the project by its dotted name, parsed."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return {
        name.removesuffix(".__init__"): ast.parse(file.read_text(encoding="utf-8"))
        for name, file in zip(names, files, strict=True)
    }


def run_by(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, those inside functions too, but none under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from (other, *run_by(other))
        else:
            yield child
            yield from run_by(child)


def own_modules(tree: ast.Module) -> set[str]:
    """The project's files that a file imports."""
    found = set()
    for node in run_by(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{each.name}" for each in node.names}
            found |= (inner & modules().keys()) or {node.module}
    return found & modules().keys()


def test_imports_are_counted_inside_functions_and_not_for_types_alone() -> None:
    source = """
from typing import TYPE_CHECKING
import storage.store
from kdm import objective, shapes
if TYPE_CHECKING:
    from storage.masks import Mask
def late():
    from storage.folders import folder_at
"""
    found = {"storage.store", "kdm.objective", "kdm.shapes", "storage.folders"}
    assert own_modules(ast.parse(source)) == found


def test_a_file_imports_few_others_of_the_project() -> None:
    counts = {name: len(own_modules(tree)) for name, tree in modules().items()}
    wide = sorted(((count, name) for name, count in counts.items() if count > 10), reverse=True)
    worst = "\n".join(f"{count} {name}" for count, name in wide)
    assert max(counts.values()) <= 16, worst
    assert sorted(counts.values())[int(0.95 * len(counts))] <= 10, worst


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_files_of_a_package_share_a_name(package: str) -> None:
    files = [file.name for file in (ROOT / package).rglob("*.py") if file.name != "__init__.py"]
    assert len(files) > 20
    assert {name: count for name, count in Counter(files).items() if count > 1} == {}


def test_most_files_have_at_most_three_public_functions_and_classes() -> None:
    packages = {file.parent for each in PACKAGES for file in (ROOT / each).rglob("__init__.py")}
    folders = {".".join(folder.relative_to(ROOT).parts) for folder in packages}
    counts = {
        name: sum(isinstance(each, DEFINITIONS) and each.name[0] != "_" for each in tree.body)
        for name, tree in modules().items()
        if name not in folders
    }
    few = [name for name, count in counts.items() if count <= 3]
    assert len(few) >= 0.85 * len(counts), ", ".join(sorted(counts.keys() - set(few)))
