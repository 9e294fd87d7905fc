"""Markdown that no field can break out of, under YAML front matter as the Hub reads it.

Names, commands and licences come from users and from imported sets. A card is shown as a web page, so
every mark that could open a link, a tag or a table's cell is escaped.
"""

from collections.abc import Mapping
from typing import Any

from storage.yaml_text import read_yaml, yaml_text

# What could open a tag, an entity, a link, emphasis, code, a formula, a table's cell or a mention.
_MARKS = "\\`*_[]<>|$~&@#"


def front_matter(fields: Mapping[str, Any]) -> str:
    """The fields between two lines of dashes."""
    return "---\n" + yaml_text(dict(fields)) + "---\n"


def read_front_matter(text: str) -> dict[str, Any]:
    """The fields of a card; {} if none can be read.

    A user may have edited the card, so what cannot be read counts as absent.
    """
    opening, _, rest = text.partition("---\n")
    front, closing, _ = rest.partition("\n---\n")
    if opening or not closing:
        return {}
    try:
        fields = read_yaml(front, "a card")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def inline(text: str) -> str:
    """Words as Markdown text on one line, every mark that means something escaped.

    Bare addresses are broken too, because the Hub makes links of them.
    """
    words = "".join("\\" + mark if mark in _MARKS else mark for mark in " ".join(text.split()))
    return words.replace("://", "\\://").replace("www.", "www\\.")  # bare addresses become links


def code_block(text: str, language: str) -> list[str]:
    """Lines of a fenced block, the fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", text.rstrip(), fence]
