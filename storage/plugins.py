"""Plugins by entry point: in-tree and foreign ones enter by the same door and look the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from storage.options import Options, nearest, parse


class Plugin(Options):
    """A named, versioned set of options that can do something.

    `version` is raised by a fix that changes numbers, so that names change when they must. A field
    added after version 1 of a store goes into `added_later` with its neutral value: while it has
    that value it is left out of descriptions, so old names stay.
    """

    plugin: ClassVar[str]
    version: ClassVar[int] = 1
    added_later: ClassVar[Mapping[str, Any]] = {}


def plugin_names(group: str) -> list[str]:
    """The names registered in an entry-point group, sorted."""
    return sorted(entry.name for entry in entry_points(group=group))


@cache
def plugin_class(group: str, name: str) -> type[Plugin]:
    """The class registered as `name`; a ValueError naming the nearest where there is none."""
    for entry in entry_points(group=group):
        if entry.name == name:
            return _checked(entry.load(), name)
    names = plugin_names(group)
    raise ValueError(f"{group} has no plugin '{name}'; {nearest(name, names)}")


def configure(group: str, choice: Any) -> Plugin:
    """The plugin that `{"plugin": name, **options}` chooses, with its options checked."""
    if isinstance(choice, Plugin):
        return choice
    if isinstance(choice, str):
        choice = {"plugin": choice}
    if not isinstance(choice, Mapping) or "plugin" not in choice:
        raise ValueError(f"{group}: a plugin is chosen by 'plugin: NAME' (got {choice!r})")
    chosen = plugin_class(group, str(choice["plugin"]))
    version = choice.get("version", chosen.version)
    if version != chosen.version:
        raise ValueError(
            f"plugin '{chosen.plugin}' is at version {chosen.version}, asked for {version}; "
            "install the version of this project that made it"
        )
    options = {key: value for key, value in choice.items() if key not in ("plugin", "version")}
    return parse(chosen, options, f"options of '{chosen.plugin}'")


def describe(plugin: Plugin) -> dict[str, Any]:
    """What a digest covers of a plugin: name, version, and every option (JSON values)."""
    options = plugin.model_dump(mode="json")
    for name, neutral in plugin.added_later.items():
        if options.get(name) == neutral:
            del options[name]
    return {"plugin": plugin.plugin, "version": plugin.version, **options}


@dataclass(frozen=True)
class Configured:
    """Marks a pydantic field as a plugin of `group`: `Annotated[Sampler, Configured(group)]`."""

    group: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate by `configure`, write by `describe`."""
        return core_schema.no_info_plain_validator_function(
            lambda choice: configure(self.group, choice),
            serialization=core_schema.plain_serializer_function_ser_schema(describe),
        )


def _checked(loaded: Any, name: str) -> type[Plugin]:
    if not (isinstance(loaded, type) and issubclass(loaded, Plugin)):
        raise ValueError(f"plugin '{name}' is {loaded!r}, not a subclass of storage.plugins.Plugin")
    if loaded.plugin != name:
        raise ValueError(f"plugin '{name}' calls itself '{loaded.plugin}'; the two must agree")
    return loaded
