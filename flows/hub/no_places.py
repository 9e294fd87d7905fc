"""What a model's documents say to strangers: no folder of this machine and no address of its stores."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kdm.trained import CONFIG
from storage.digest import seal, unseal
from storage.folders import Folder

_READ = (CONFIG, "metrics.json", "timings.json", "spec.json")
_DIGESTS = ("digest", "stamp_digest")
_PACKED = "deviations."  # numbers in base64, of which one text in 64 begins with '/'
_LIKE_A_PLACE = re.compile(r"[/~\\]")  # a relative path too
_PLACE = re.compile(r"[/~]|[A-Za-z]:[/\\]|(?!https?:)[A-Za-z][\w+.-]*://")  # nothing but a place


def told_documents(folder: Folder, names: Mapping[str, object]) -> dict[str, bytes]:
    """Of these files those that say places, without them.

    An imported model keeps the settings of its file, of which those that look like places are left out.
    Raises a ValueError for any other place: what a name depends on can't be left out.
    """
    told = {}
    for name in (each for each in _READ if each in names):
        document = unseal(folder.read(name), f"{folder.url}/{name}")
        kept = _without_settings_of_places(document)
        for key, value in _texts(kept):
            if _PLACE.match(value) and not key.startswith(_PACKED):
                raise ValueError(
                    f"{name} of {folder.name} says {key} {value[:80]!r}, a place of this machine, which a "
                    "push would publish; give that option a name, and make it again"
                )
        if kept is not document:
            told[name] = seal({key: kept[key] for key in kept if key not in _DIGESTS})
    return told


def _without_settings_of_places(document: dict[str, Any]) -> dict[str, Any]:
    source = document.get("source")
    settings = source.get("settings") if isinstance(source, dict) else None
    if not isinstance(source, dict) or not isinstance(settings, dict):
        return document
    kept = {name: value for name, value in settings.items() if not _says_a_place(value)}
    if len(kept) == len(settings):
        return document
    return {**document, "source": {**source, "settings": kept}}


def _says_a_place(value: Any) -> bool:
    return any(_LIKE_A_PLACE.search(text) for _, text in _texts(value))


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, keys too, by its dotted place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield place, key
            yield from _texts(each, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, place)
