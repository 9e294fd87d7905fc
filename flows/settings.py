"""A user's settings: one TOML file, whose values hold where neither an option nor the environment says more.

The file is `kdm/config.toml` below $XDG_CONFIG_HOME (`~/.config` if that is unset or not absolute, by the XDG
Base Directory Specification 0.8), or what $KDM_CONFIG names. Without a file the defaults hold.
"""

import os
import tomllib
from pathlib import Path
from typing import NamedTuple

from storage.folders.local_paths import user_path
from storage.redaction import require_no_secret

FILE_VARIABLE = "KDM_CONFIG"
_TRACKERS = "kdm.trackers"  # the entry-point group


class Settings(NamedTuple):
    """What the file says; None where it says nothing."""

    home: str | None = None  # a URL, or an absolute path, or one below '~'
    trackers: tuple[str, ...] | None = None  # of trainings that don't name any


def settings_file() -> Path:
    """Where the file is or would be."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return user_path(named).absolute()
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return user_path(folder if os.path.isabs(folder) else "~/.config") / "kdm" / "config.toml"


def settings() -> Settings:
    """The file's settings, checked.

    Raises a ValueError that names the file, for an unknown key too, and an OSError if a file that
    $KDM_CONFIG names isn't there or can't be read.
    """
    file = settings_file()
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        if os.environ.get(FILE_VARIABLE):
            raise
        return Settings()
    except UnicodeDecodeError:
        raise ValueError(f"{file} isn't UTF-8; save it as UTF-8") from None
    if not text.strip():
        return Settings()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} isn't TOML: {error}; correct it, or remove it") from None
    return _checked(document, str(file))


def _checked(document: dict[str, object], file: str) -> Settings:
    """Raise a ValueError for a key or a value that isn't a setting's."""
    # Only a file that says something waits for this.
    from storage.did_you_mean import nearest

    for key in document:
        if key not in Settings._fields:
            raise ValueError(
                f"{file}: unknown key '{key[:80]}'; {nearest(key, [*Settings._fields])}"
            )
    require_no_secret(document, file)
    home, trackers = document.get("home"), document.get("trackers")
    return Settings(
        None if home is None else _home(home, file),
        None if trackers is None else _trackers(trackers, file),
    )


def _home(value: object, file: str) -> str:
    is_place = isinstance(value, str) and ("://" in value or value[:1] in ("/", "~"))
    if not isinstance(value, str) or not is_place:
        raise ValueError(
            f"{file}: home is {value!r}; give a URL or a full path, as '~/kdm-home': a file for every folder "
            "can't mean the folder in which you are"
        )
    return value


def _trackers(value: object, file: str) -> tuple[str, ...]:
    from storage.did_you_mean import nearest
    from storage.plugins import plugin_names

    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{file}: trackers is {value!r}; give names, as ['tensorboard'], or []")
    known = plugin_names(_TRACKERS)
    for name in value:
        if name not in known:
            raise ValueError(f"{file}: no tracker '{name}'; {nearest(name, known)}")
    if len({*value}) < len(value):
        raise ValueError(f"{file}: trackers is {value!r}; name each tracker once")
    return tuple(value)
