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

    Raises a ValueError that names the file: if it can't be read, if it isn't there though $KDM_CONFIG names
    it, and for an unknown key too.
    """
    file = settings_file()
    text = _text(file)
    if not text.strip():
        return Settings()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} isn't TOML: {error}; correct it, or remove it") from None
    return _checked(document, str(file))


def _text(file: Path) -> str:
    """What the file says; nothing if there's none in the usual place."""
    named = os.environ.get(FILE_VARIABLE)
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise ValueError(f"{file} isn't UTF-8; save it as UTF-8") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not named:
            return ""
        remedy = (
            f"let ${FILE_VARIABLE} name a file of settings, or nothing" if named else "remove it"
        )
        reason = str(error.strerror).lower()
        raise ValueError(f"{file} can't be read as settings ({reason}); {remedy}") from error


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
    from kdm.trackers.choice import known_names

    try:
        return known_names(value)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
