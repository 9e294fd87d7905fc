"""A plugin's name means one class, whatever is installed and in whatever order it is found."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path

import pytest
from installed_packages import install

from storage.plugins import configure, plugin_class, plugin_faults, plugin_names

FILTERS = "[pairgen.filters]\n"
NEAR_COPY = FILTERS + "near-copy = pairgen.filters.near_copy:NearCopy\n"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    plugin_class.cache_clear()
    yield
    plugin_class.cache_clear()


@pytest.mark.parametrize("place", [0, 1_000], ids=["first on the path", "last on the path"])
def test_a_name_of_two_packages_is_refused_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    install(tmp_path, "other-filters", FILTERS + "near-copy = other.module:Kind\n")
    monkeypatch.setattr(sys, "path", [*sys.path[:place], str(tmp_path), *sys.path[place:]])
    wanted = r"'near-copy' is registered by 2 packages, kdm-offline and other-filters; uninstall"
    with pytest.raises(ValueError, match=wanted):
        configure("pairgen.filters", {"plugin": "near-copy"})
    assert len(plugin_faults()) == 1
    assert plugin_names("pairgen.filters").count("near-copy") == 1


def test_two_packages_are_refused_even_where_they_name_one_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path, "copy-of-it", NEAR_COPY)))
    with pytest.raises(ValueError, match="copy-of-it and kdm-offline"):
        plugin_class("pairgen.filters", "near-copy")


def test_one_package_found_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path, "kdm_offline", NEAR_COPY, "0.1.0")))
    assert plugin_class("pairgen.filters", "near-copy").plugin == "near-copy"
    assert plugin_faults() == []


def test_one_package_may_not_give_a_name_two_meanings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = FILTERS + "mine = here:A\nmine = here:B\n"
    monkeypatch.syspath_prepend(str(install(tmp_path, "mine", both)))
    with pytest.raises(ValueError, match="package mine registers plugin 'mine' as here:A and here"):
        plugin_class("pairgen.filters", "mine")


def test_a_conflict_hinders_no_other_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = "[pairgen.samplers]\neuler = other.module:Kind\n"
    monkeypatch.syspath_prepend(str(install(tmp_path, "other", entry)))
    assert plugin_class("pairgen.samplers", "heun").plugin == "heun"


def test_an_unknown_name_says_how_new_ones_are_found() -> None:
    with pytest.raises(ValueError, match=r"no plugin 'near'; .*; if it is new .*\(.*make setup\)"):
        plugin_class("pairgen.filters", "near")


def test_a_line_that_leads_nowhere_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path, "mine", FILTERS + "mine = nowhere:A\n")))
    wanted = "plugin 'mine' of package mine cannot be loaded from 'nowhere:A' .ModuleNotFoundError"
    with pytest.raises(ValueError, match=wanted):
        plugin_class("pairgen.filters", "mine")


def test_what_packages_register_is_read_once_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    scans = []

    def scan(group: str) -> EntryPoints:
        scans.append(group)
        return entry_points(group=group)

    monkeypatch.setattr("storage.plugins.entry_points", scan)
    monkeypatch.setattr(sys, "path", [*sys.path, "/a/path/of/its/own"])
    for name in ("euler", "heun", "midpoint"):
        assert plugin_class("pairgen.samplers", name).plugin == name
    assert scans == ["pairgen.samplers"]


MODULE = """
from abc import abstractmethod
from storage.plugins import Plugin

class Kind(Plugin):
    plugin = "mine"
    {body}
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("version = '3'", r"has version '3'; it must be a whole number from 1"),
        ("version = True", r"has version True; it must be a whole number from 1"),
        ("@abstractmethod\n    def measure(self): ...", r"\(Kind\) doesn't define measure"),
        ("import colours", r"'colours'\); correct that file, or install what it imports"),
        ("colour = Plugin.colour", r"colour\); correct that file, or install what it imports"),
    ],
)
def test_what_is_wrong_in_a_plugins_file_is_told(
    body: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"mine_{abs(hash(body))}"  # each is imported once
    (tmp_path / f"{module}.py").write_text(MODULE.format(body=body))
    monkeypatch.syspath_prepend(str(install(tmp_path, "mine", f"{FILTERS}mine = {module}:Kind\n")))
    with pytest.raises(ValueError, match=words):
        plugin_class("pairgen.filters", "mine")


@pytest.mark.parametrize("line", ["nowhere:A", "storage.plugins:Nothing"])
def test_a_line_that_leads_nowhere_is_the_one_to_correct(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path, "mine", f"{FILTERS}mine = {line}\n")))
    with pytest.raises(ValueError, match=r"correct that line of its pyproject.toml"):
        plugin_class("pairgen.filters", "mine")
