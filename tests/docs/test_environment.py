"""docs/environment.md names every environment variable that the code names, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from conftest import KEPT

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "environment.md"
PACKAGES = ("storage", "kdm", "pairgen", "flows")
# No other words between quotes are capitals with '_'; a prefix of many variables ends with it.
NAME = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*")
READ = re.compile(r'environ(?:\.get\(|\[)"(\w+)"')


def words_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_on_the_page() -> set[str]:
    """Those of the first column of each table."""
    columns = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    return {each.rstrip("*") for column in columns for each in re.findall(r"`(\w+\*?)`", column)}


def test_the_page_names_every_variable_of_the_code_and_no_other() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    words = {word for file in files for word in words_of(file)}
    beside = [file for folder in ("tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    ours = {name for file in beside for name in READ.findall(file.read_text()) if "KDM_" in name}
    read = {name for file in files for name in READ.findall(file.read_text())} | ours
    named = {word for word in words if NAME.fullmatch(word)} - {"PREFECT_"}
    assert (read | named) - names_on_the_page() == set()
    assert names_on_the_page() - words - ours == set()


def test_the_tests_keep_every_variable_that_is_said_to_them() -> None:
    read = {
        name
        for file in (ROOT / "tests").rglob("*.py")
        for name in READ.findall(file.read_text())
        if name.startswith("KDM_")
    }
    assert read == KEPT
