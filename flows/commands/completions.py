"""What a shell offers where a command wants a name: recipes, policies, and what the home holds.

The shell waits for it at each press of Tab, so nothing here imports torch or Prefect, and a home in a bucket,
which answers slowly, offers nothing.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from typer import Context

from flows.home import KINDS, bare, home_folder, things, usual_home
from flows.request import STAGES
from storage.errors import StoreError
from storage.folders import Folder

# Shells evaluate what they are offered, so names with other characters aren't offered.
_PLAIN = re.compile(r"[\w.+-]+(/[\w.+-]+)?")
_DECISIONS = "*/*/*/masks/*/decisions/*"  # below pairs/ (docs/store.md, 'Masks')
What = (
    Literal["recipes", "recipes and sets", "students of the recipe", "stages", "policies"]
    | Literal["forms of a student", "trackers"]
    | Literal["overrides", "decisions", "things", "teachers", "pairs", "students"]
)


def offering(what: What) -> Callable[[Context, str], list[str]]:
    """What a parameter's `autocompletion` takes: a function of the line so far and the word begun."""

    def offer(ctx: Context, incomplete: str) -> list[str]:
        find = _FINDERS.get(what)
        return find(ctx, incomplete) if find else _named(ctx, incomplete, what)

    return offer


def _recipes_and_sets(ctx: Context, incomplete: str) -> list[str]:
    """The project's recipes, the sets that filters take instead of one, and a command's second word."""
    groups = getattr(ctx.parent and ctx.parent.command, "commands", {})
    second = [name.partition(" ")[2] for name in groups if name.startswith(f"{ctx.info_name} ")]
    return _starting([*_recipes(ctx, ""), *_named(ctx, "", "pairs"), *second], incomplete)


def _recipes(_ctx: Context, incomplete: str) -> list[str]:
    """The project's recipes; for a file of one's own the shell completes its path."""
    from flows.config.recipe_files import recipe_names

    return _starting(recipe_names(), incomplete)


def _students_of_recipe(ctx: Context, incomplete: str) -> list[str]:
    """The students of the recipe that the line names."""
    from flows.config.recipe_files import read_recipe

    # While an option lacks its value, arguments before it aren't parsed yet.
    stated = ctx.params.get("recipe") or "".join(ctx.args[:1])
    try:
        students = read_recipe(str(stated)).get("students")
    except (ValueError, StoreError, OSError):  # the command itself says what is wrong with it
        return []
    listed = students if isinstance(students, list) else []
    return _starting([str(each["name"]) for each in listed if "name" in each], incomplete)


def _policies(_ctx: Context, incomplete: str) -> list[str]:
    """The project's lists of filters."""
    from flows.config.shipped_names import shipped_names

    return _starting(shipped_names("flows.policies"), incomplete)


def _forms(_ctx: Context, incomplete: str) -> list[str]:
    """What `kdm export --to` takes; the modules that write it import torch."""
    return _starting(["onnx", "torch-export", "diffusers"], incomplete)


def _trackers(_ctx: Context, incomplete: str) -> list[str]:
    """Every tracker that is installed under a name."""
    from importlib.metadata import entry_points

    names = {entry.name for entry in entry_points(group="kdm.trackers")}
    return _starting(sorted(names), incomplete)


def _overrides(_ctx: Context, incomplete: str) -> list[str]:
    """`filters.NAME.` of every filter that is installed."""
    from importlib.metadata import entry_points

    names = {entry.name for entry in entry_points(group="pairgen.filters")}
    return _starting([f"filters.{name}." for name in sorted(names)], incomplete)


def _decisions(ctx: Context, incomplete: str) -> list[str]:
    """The decisions of filters that the home's sets have."""
    home = _local_home(ctx)
    found = home.local_path("pairs").glob(_DECISIONS) if home else []
    return _starting(sorted({each.name for each in found}), incomplete)


def _stages(_ctx: Context, incomplete: str) -> list[str]:
    """The stages, in their order."""
    return _starting(STAGES, incomplete)


def _all_things(ctx: Context, incomplete: str) -> list[str]:
    """All that the home holds, as KIND/NAME-DIGEST."""
    home = _local_home(ctx)
    found = [f"{kind}/{name}" for kind in KINDS for name in things(home, kind)] if home else []
    return _starting(found, incomplete)


def _named(ctx: Context, incomplete: str, kind: str) -> list[str]:
    home = _local_home(ctx)
    names = things(home, kind) if home else []
    short = [bare(name) for name in names]
    return _starting([*(each for each in short if short.count(each) == 1), *names], incomplete)


def _local_home(ctx: Context) -> Folder | None:
    """The home that the line names, else the usual one; None if it's remote, absent or no home."""
    try:
        place = str(ctx.params.get("home") or usual_home())
        if "://" in place and not place.startswith("file://"):
            return None  # its driver alone takes a second to import
        home = home_folder(place)
        return home if home.is_local and home.local_path().is_dir() else None
    except (ValueError, StoreError, OSError):  # the command itself says what is wrong with it
        return None


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    found = (name for name in names if name.startswith(incomplete) and _PLAIN.fullmatch(name))
    return [*dict.fromkeys(found)]  # a recipe and its set may have one name


_FINDERS: dict[str, Callable[[Context, str], list[str]]] = {
    "recipes": _recipes,
    "recipes and sets": _recipes_and_sets,
    "students of the recipe": _students_of_recipe,
    "stages": _stages,
    "policies": _policies,
    "forms of a student": _forms,
    "trackers": _trackers,
    "overrides": _overrides,
    "decisions": _decisions,
    "things": _all_things,
}
