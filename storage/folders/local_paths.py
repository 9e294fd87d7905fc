"""Paths of what only this machine's disks can hold, as a user writes them."""

from pathlib import Path

from storage.folders.addresses import require_whole_address


def local_file(place: str, what: str) -> Path:
    """The absolute path of a file or folder on this machine; a ValueError for a URL."""
    return local_path(place, what).absolute()


def local_path(place: str, what: str) -> Path:
    """The same path as it was written: it may be relative."""
    require_whole_address(place)
    if "://" in place:
        raise ValueError(f"{what} is a path on this machine, not a URL; copy the files here first")
    return user_path(place)


def user_path(place: str) -> Path:
    """A path as a user writes it, '~' for a home folder; a ValueError if there is no such user."""
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{place[:200]}: this machine knows no user '{place.partition('/')[0][1:][:80]}' with a home "
            "folder; write the whole path (a folder of that name is ./~…)"
        ) from error
