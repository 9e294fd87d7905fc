"""The pages that Sphinx is given: every link and anchor is there, and every page in the contents."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
with pytest.MonkeyPatch.context() as paths:  # not a package that is installed
    paths.syspath_prepend(ROOT)
    from website.places import lines_of
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


def test_every_page_is_in_the_contents_but_the_files_of_the_code(site: Path) -> None:
    contents = re.findall(r"^[^|\n]+ <([\w/-]+)>$", (site / "index.md").read_text(), re.MULTILINE)
    pages = {str(page.relative_to(site).with_suffix("")) for page in site.rglob("*.md")}
    assert len(contents) == len({*contents})
    assert {*contents} == {page for page in pages if not page.startswith("files/")} - {"index"}


def test_code_between_fences_stays_as_it_is() -> None:
    text = "a\n````md\n```sh\nx\n```\n````\nb\n"
    assert [is_code for _, is_code in lines_of(text)] == [False, *[True] * 5, False]
