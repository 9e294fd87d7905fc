"""Plugins by entry point: in-tree and foreign ones enter by the same door and look the same."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from storage.did_you_mean import nearest
from storage.options import Options, parse

_OURS = ("storage.", "kdm.", "pairgen.")  # how groups of this project begin


class Plugin(Options):
    """A named, versioned set of options that can do something.

    `version` is raised by a fix that changes numbers, so that names change when they must. A field
    added after version 1 of a store goes into `added_later` with its neutral value: while it has
    that value it is left out of descriptions, so old names stay.
    """

    plugin: ClassVar[str]  # its name in recipes
    version: ClassVar[int] = 1  # raised by a change of its numbers
    added_later: ClassVar[Mapping[str, Any]] = {}  # fields by their neutral value


def _registered(group: str) -> EntryPoints:
    """What installed packages register; each of hundreds has a file to be read, so they are read once."""
    return _found_on(tuple(sys.path), group)


@cache
def _found_on(_path: tuple[str, ...], group: str) -> EntryPoints:
    return entry_points(group=group)


def plugin_names(group: str) -> list[str]:
    """The names registered in an entry-point group, sorted."""
    return sorted({entry.name for entry in _registered(group)})


def plugin_faults() -> list[str]:
    """A sentence for every name that is registered twice, in any group of this project."""
    faults = []
    for group in sorted(entry_points().groups):
        for name in plugin_names(group) if group.startswith(_OURS) else []:
            try:
                require_one(group, name)
            except ValueError as error:
                faults.append(str(error))
    return faults


@cache
def plugin_class(group: str, name: str) -> type[Plugin]:
    """The class registered as `name`; a ValueError without one, or if two packages have one."""
    found = _registered(group).select(name=name)
    if not found:
        raise ValueError(
            f"{group} has no plugin '{name}'; {nearest(name, plugin_names(group))}; if it is new in "
            "a pyproject.toml, install that package again (this project: make setup)"
        )
    require_one(group, name)
    return _checked(_loaded(next(iter(found))), name)


def require_one(group: str, name: str) -> None:
    """A ValueError if a name means two things: descriptions and digests couldn't say which."""
    meant = {(_package(entry), entry.value) for entry in _registered(group).select(name=name)}
    packages = sorted({package for package, _ in meant})
    if len(packages) > 1:
        raise ValueError(
            f"{group}: plugin '{name}' is registered by {len(packages)} packages, "
            f"{' and '.join(packages)}; uninstall all but one, or give the plugin another name there"
        )
    if len(meant) > 1:
        raise ValueError(
            f"{group}: package {packages[0]} registers plugin '{name}' as "
            f"{' and '.join(sorted(value for _, value in meant))}; leave one in its pyproject.toml"
        )


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
    if type(version) is not int or version != chosen.version:
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
    if type(loaded.version) is not int or loaded.version < 1:
        raise ValueError(
            f"plugin '{name}' has version {loaded.version!r}; it must be a whole number from 1"
        )
    if lacking := sorted(loaded.__abstractmethods__):
        raise ValueError(f"plugin '{name}' ({loaded.__name__}) doesn't define {', '.join(lacking)}")
    return loaded


def _package(entry: EntryPoint) -> str:
    named = entry.dist.name if entry.dist else None
    return named or "a package without a name"


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        remedy = "correct that file, or install what it imports"
        if _is_about(error, entry):
            remedy = (
                "correct that line of its pyproject.toml, then install the package again (this "
                "project: make setup)"
            )
        raise ValueError(
            f"plugin '{entry.name}' of package {_package(entry)} cannot be loaded from "
            f"'{entry.value}' ({type(error).__name__}: {error}); {remedy}"
        ) from error


def _is_about(error: ImportError | AttributeError, entry: EntryPoint) -> bool:
    """Whether the entry's own module or name isn't there, and not something that the module imports."""
    if isinstance(error, AttributeError):
        return error.name == entry.attr.partition(".")[0]
    return f"{entry.module}.".startswith(f"{error.name}.")
