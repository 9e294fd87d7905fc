"""The pages that Sphinx is given: every link and anchor is there, and every page in the contents."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from test_snippets import command_names

from flows.cli import app

ROOT = Path(__file__).parents[2]
with pytest.MonkeyPatch.context() as paths:  # not a package that is installed
    paths.syspath_prepend(ROOT)
    from website.names import documented, pages, without_words
    from website.options import sections, words_for
    from website.places import lines_of, own_pages, rewritten
    from website.source_files import definition
    from website.write import write_site

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(folder)
    return folder


def prose(page: Path) -> str:
    """A page without its code."""
    return "".join(line for line, is_code in lines_of(page.read_text()) if not is_code)


def anchors(page: Path) -> set[str]:
    """What links to a page's headings end with, as GitHub and MyST make it from a heading's words."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"\]\([^)]*\)", "", head).lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in plain}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    wrong = []
    for file, anchor in LINK.findall(prose(page)):
        target = Path(os.path.normpath(page.parent / file)) if file else page
        is_there = target.is_file() and (not anchor or anchor in anchors(target))
        wrong += [] if is_there else [f"{file}#{anchor}"]
    return wrong


def test_every_link_of_the_site_leads_to_a_page_and_a_heading(site: Path) -> None:
    pages = [*site.rglob("*.md")]
    assert len(pages) > 80
    assert {page.name: found for page in pages if (found := broken(page))} == {}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One head\n[x](#one-head) [y](#two) [z](b.md)\n")
    assert broken(tmp_path / "a.md") == ["#two", "b.md#"]


def test_a_link_to_a_file_that_is_not_there_is_refused_by_its_line() -> None:
    text = (
        "# Head\n[x](../flows/cli.py)\n```\n[y](none.md)\n```\n[z](none.md) [f](../flows/no.py)\n"
    )
    with pytest.raises(ValueError, match="links to") as refused:
        rewritten(text, "docs/store.md")
    assert str(refused.value).splitlines() == [
        f"docs/store.md:6 links to {each}, which isn't there; correct the link"
        for each in ("none.md", "../flows/no.py")
    ]


def test_a_link_that_says_a_pages_file_says_its_title() -> None:
    text = "[commands.md](commands.md#exit-codes), [more](commands.md)\n"
    assert rewritten(text, "docs/store.md")[0] == (
        "[Commands](commands.md#exit-codes), [more](commands.md)\n"
    )


def listed(contents: Path) -> set[str]:
    """The pages in a table of contents, by their place on the site."""
    block = "".join(re.findall(r"```\{toctree\}\n(.*?)```", contents.read_text(), re.DOTALL))
    words = [line for line in block.splitlines() if line and line[0] != ":"]
    return {re.sub(r"^.* <(.*)>$", r"\1", word) for word in words}


def test_every_page_is_in_the_contents_but_the_files_of_the_code(site: Path) -> None:
    found = {
        os.path.normpath(contents.relative_to(site).parent / page)
        for contents in site.rglob("index.md")
        for page in listed(contents)
    }
    pages = {str(page.relative_to(site).with_suffix("")) for page in site.rglob("*.md")}
    assert found == {page for page in pages if not page.startswith("files/")} - {"index"}


def test_every_option_says_what_it_means() -> None:
    fields = [(each, name) for each in sections() for name in each.model.model_fields]
    assert len(fields) > 400
    assert [
        f"{each.model.__name__}.{name}" for each, name in fields if not words_for(each.model, name)
    ] == []


def test_every_public_name_is_explained_with_its_methods_and_fields() -> None:
    assert without_words() == []
    names = [definition(name).name for page in pages().values() for name in page.names]
    assert len(names) == len({*names})


def imported() -> Iterator[str]:
    """The names of the project that the pages' Python blocks import, where they are defined."""
    for page in own_pages():
        blocks = re.findall(r"^```python[^\n]*\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
        for node in (each for block in blocks for each in ast.walk(ast.parse(block))):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module.partition(".")[0] in ("storage", "kdm", "pairgen", "flows"):
                yield from (definition(f"{module}.{each.name}").name for each in node.names)


def test_what_the_pages_import_is_explained() -> None:
    assert {*imported()} - documented() == set()


def test_every_command_has_its_arguments_explained(site: Path) -> None:
    pages = "\n".join(page.read_text() for page in site.glob("command-line/*.md"))
    shown = {tuple(words.split()) for words in re.findall(r"^##+ `kdm (.+)`$", pages, re.MULTILINE)}
    names = command_names(typer.main.get_command(app)) - {("study", "run")} | {("study", "STUDY")}
    assert {tuple(" ".join(name).split()) for name in names} == shown


def test_code_between_fences_stays_as_it_is() -> None:
    text = "a\n````md\n```sh\nx\n```\n````\nb\n"
    assert [is_code for _, is_code in lines_of(text)] == [False, *[True] * 5, False]
