"""Pages of every option of a recipe, of a study and of each plugin, made from the models themselves."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from flows.config.recipe import Recipe
from flows.study.study import Study
from kdm.presets.preset_choice import PresetChoice
from storage.plugins import Configured, plugin_class, plugin_names
from website.docstrings import link_to, markdown_of, plain
from website.field_words import meaning
from website.option_values import Values, default_of
from website.places import ROOT

FOLDER = "options"
GROUPS = {
    "pairgen.teachers": ("teachers", "teacher"),
    "pairgen.samplers": ("samplers", "sampler"),
    "pairgen.filters": ("filters", "filter"),
    "kdm.students": ("students", "student"),
    "kdm.losses": ("distances", "distance"),
    "kdm.metrics": ("metrics", "metric"),
    "kdm.analyses": ("analyses", "analysis"),
    "kdm.trackers": ("trackers", "tracker"),
    "storage.formats": ("formats", "format of shards"),
}
_ROOTS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("recipe", "A recipe", Recipe),
    ("recipe", "`students`: `preset`", PresetChoice),
    ("study", "A study", Study),
)
_HEADS = {"recipe": "Options of a recipe", "study": "Options of a study"}


@dataclass(frozen=True)
class Section:
    """The options of one model, where they stand and what they are called there."""

    page: str  # below FOLDER, without .md
    title: str
    model: type[BaseModel]
    is_plugin: bool
    also: list[str] = field(
        default_factory=list
    )  # titles of other places that take the same options

    @property
    def anchor(self) -> str:
        """What a link to it ends with, as MyST makes it from the title."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


@cache
def sections() -> tuple[Section, ...]:
    """Of every model that a recipe, a study or a plugin reaches, each once."""
    found: dict[type[BaseModel], Section] = {}
    for page, title, model in _ROOTS:
        _add(found, Section(page, title, model, is_plugin=False), "")
    for group, (page, _) in GROUPS.items():
        for name in plugin_names(group):
            model = plugin_class(group, name)
            _add(found, Section(page, f"`{name}`", model, is_plugin=True), f"{name}: ")
    return tuple(found.values())


def _add(found: dict[type[BaseModel], Section], section: Section, path: str) -> None:
    """A model's section, those of the options in it, and then those of the options in these."""
    found[section.model] = section
    new = []
    for name, each in section.model.model_fields.items():
        inner = [*_models(each.annotation, tuple(each.metadata))]
        for model in inner:
            kind = f", kind `{_kind(model)}`" if len(inner) > 1 and _kind(model) else ""
            title = _title(f"{path}{name}") + kind
            if model in found:
                found[model].also.append(title)
                continue
            found[model] = Section(section.page, title, model, is_plugin=False)
            new.append((found[model], f"{path}{name}."))
    for inside, at in new:
        _add(found, inside, at)


def _title(path: str) -> str:
    """'`kdm`: `losses`' of 'kdm: losses'."""
    return ": ".join(f"`{part}`" for part in path.split(": "))


def _models(kind: Any, said: tuple[Any, ...]) -> Iterator[type[BaseModel]]:
    """The models of options that a field's value may be, without plugins, which have pages of their own."""
    if any(isinstance(each, Configured) for each in said):
        return
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    inner = get_args(kind)
    if get_origin(kind) is Annotated:
        yield from _models(inner[0], inner[1:])
    elif get_origin(kind) is not Literal:
        for each in inner:
            yield from _models(each, ())


def _kind(model: type[BaseModel]) -> str:
    """The word of `kind` by which a model is chosen among others; empty without one."""
    kind = model.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind else ""


def option_pages() -> dict[str, str]:
    """Every page of options by its place on the site."""
    heads = _HEADS | {page: f"Options of {page}" for page, _ in GROUPS.values()}
    return {
        place_in(page): "\n\n".join([f"# {head}", _opening(page), *_sections_of(page)]) + "\n"
        for page, head in heads.items()
    }


def place_in(page: str) -> str:
    """The place of a page of options."""
    return f"{FOLDER}/{page}.md"


def _opening(page: str) -> str:
    if page == "recipe":
        return (
            "Every key of a recipe's YAML, with what it may be, its default, and what it means. "
            "`kdm show NAME` prints a recipe with all of its values."
        )
    if page == "study":
        return "Every key of a study's YAML, with what it may be, its default, and what it means."
    group, kind = next((group, kind) for group, (own, kind) in GROUPS.items() if own == page)
    return (
        f"A {kind} is chosen in a recipe by `plugin: NAME`, with its options beside the name. These are "
        f"registered in the entry-point group `{group}`."
    )


def _sections_of(page: str) -> list[str]:
    """The text of each section of a page; one within a plugin is a level lower than the plugin's."""
    is_of_plugins = page not in _HEADS
    return [
        _text(each, level=3 if is_of_plugins and not each.is_plugin else 2)
        for each in sections()
        if each.page == page
    ]


def _text(section: Section, *, level: int) -> str:
    place = place_in(section.page)
    model = section.model
    module = inspect.getmodule(model)
    parts = [
        f"{'#' * level} {section.title}",
        markdown_of(model.__doc__, place),
        f"The same options: {', '.join(section.also)}." if section.also else "",
        _table(section),
        markdown_of(module.__doc__ if section.is_plugin and module else None, place),
        f"Source: [`{file_of(model)}`]({link_to(file_of(model), place)})",
    ]
    return "\n\n".join(part for part in parts if part)


def _table(section: Section) -> str:
    place = place_in(section.page)
    values = Values(lambda model: _link(model, section.page), _group_link)
    rows = [
        f"| `{name}` | {_meaning(section, name, place)} | {values.of(each)} | {default_of(each)} |"
        for name, each in section.model.model_fields.items()
    ]
    if not rows:
        return "It has no options."
    head = ["{.explained}", "| option | meaning | value | default |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _meaning(section: Section, name: str, place: str) -> str:
    return plain(_sentence(words_for(section.model, name)), place)


def words_for(model: type[BaseModel], name: str) -> str:
    """What a field means; a `kind` says it by itself."""
    return meaning(model, name) or ("chooses these options" if name == "kind" else "")


def _sentence(words: str) -> str:
    """A comment as a sentence: with a full stop, and a capital unless it begins with a symbol."""
    first = words.partition(" ")[0]
    is_word = len(first) > 1 and first.isalpha() and first.islower()
    return (words[:1].upper() + words[1:] if is_word else words).removesuffix(".") + "."


def _link(model: type[BaseModel], page: str) -> str:
    section = next(each for each in sections() if each.model is model)
    where = "" if section.page == page else f"{section.page}.md"
    return f"[{_kind(model) or 'options'}]({where}#{section.anchor})"


def _group_link(group: str) -> str:
    page, kind = GROUPS[group]
    return f"[{kind}]({page}.md)"


def file_of(model: type) -> str:
    """The file of the repository that defines a class."""
    return Path(inspect.getfile(model)).relative_to(ROOT).as_posix()
