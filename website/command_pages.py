"""Pages of every command with its arguments and options, made from the command line's own program."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from flows.cli import app
from website.docstrings import plain

FOLDER = "command-line"
_ASIDE = re.compile(r" *\[([^\[\]]*)\]$")  # what the program adds to an option's help
_OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*[a-z](?![\w`])")


def command_pages() -> dict[str, str]:
    """A page for the commands of each group, and one for those without a group, by place on the site."""
    program = typer.main.get_command(app)
    groups: dict[str, Any] = {"kdm": program}
    groups |= {f"kdm {name}": each for name, each in _shown(program) if _is_group(each)}
    return {place_of_group(name): _page(name, group) for name, group in groups.items()}


def place_of_group(name: str) -> str:
    """Where the commands of a group stand: 'kdm pairs'."""
    return f"{FOLDER}/{name.replace(' ', '-')}.md"


def _page(name: str, group: Any) -> str:
    place = place_of_group(name)
    parts = [f"# `{name}`", _words(group, place), *_sections(name, group, place, level=2)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sections(name: str, group: Any, place: str, *, level: int) -> Iterator[str]:
    """Each command of a group, and those of a group within it; a page of its own for one of `kdm`'s.

    The word of a hidden one is left out, as users do: 'kdm study losses' is 'kdm study run losses'.
    """
    for word, each in group.commands.items():
        full = name if each.hidden else f"{name} {word}"
        if not _is_group(each):
            yield _command(full, each, place, level=level)
        elif name != "kdm":
            yield from _sections(full, each, place, level=level)


def _command(name: str, command: Any, place: str, *, level: int) -> str:
    context = typer.Context(command, info_name=name.removeprefix("kdm "))
    usage = _usage(name, command, context)
    title = usage.replace(" [OPTIONS]", "") if command.hidden else name
    rows = [_row(each, context, place) for each in command.get_params(context)]
    head = ["{.explained}", "| argument or option | meaning | default |", "|---|---|---|"]
    table = [*head, *filter(None, rows)]
    parts = [f"{'#' * level} `{title}`", _words(command, place), f"```text\n{usage}\n```"]
    return "\n\n".join([*parts, "\n".join(table)])


def _usage(name: str, command: Any, context: Any) -> str:
    """'kdm run [OPTIONS] RECIPE'."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [_argument(each, each.get_help_record(context)[0]) for each in arguments]
    return " ".join([name, "[OPTIONS]", *words])


def _argument(parameter: Any, shown: str) -> str:
    word = shown.partition(" ")[0].upper()
    word = word if parameter.required else f"[{word}]"
    return f"{word}..." if parameter.nargs == -1 else word


def _row(parameter: Any, context: Any, place: str) -> str:
    """A parameter's line of the table; empty for one that isn't shown."""
    record = parameter.get_help_record(context)
    if record is None:
        return ""
    name, words = record
    if parameter.param_type_name == "argument":
        name = _argument(parameter, name)
    aside = _ASIDE.search(words)
    default = _default(aside[1]) if aside else ""
    return f"| `{name}` | {_marked(_ASIDE.sub('', words), place)} | {default} |"


def _default(aside: str) -> str:
    """'`$KDM_HOME` or `./kdm-home`' of 'env var: KDM_HOME; default: ./kdm-home'."""
    said = dict(part.split(": ", 1) for part in aside.split("; ") if ": " in part)
    values = [f"`${said['env var']}`"] if "env var" in said else []
    values += [f"`{said['default']}`"] if "default" in said else []
    return " or ".join(values) or aside


def _words(command: Any, place: str) -> str:
    return "\n".join(_marked(line, place) for line in (command.help or "").splitlines())


def _marked(words: str, place: str) -> str:
    """Help as Markdown, with the names of options as code."""
    text = plain(words, place)
    return text if "`" in text else _OPTION.sub(r"`\g<0>`", text)


def _shown(group: Any) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in group.commands.items() if not each.hidden]


def _is_group(command: Any) -> bool:
    return hasattr(command, "commands")
