"""Names of files in a store: none leads out of its folder, and what other programs leave is skipped."""

# Left in any folder by desktops, network disks and the file systems themselves; compared in lower case.
_LEFT_BY_SYSTEMS = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",
        "__macosx",
        "lost+found",
        "$recycle.bin",
        "system volume information",
        "icon\r",  # a folder's own icon, by the Finder
    }
)
_ENDINGS = (
    "_$folder$",  # an empty object by which Hadoop's tools show a folder
    # Streams beside a file, which a disk without streams gets as files of their own.
    ":zone.identifier",
    ":encryptable",
)


def require_below(name: str, url: str) -> None:
    """Raise a ValueError if a name leads out of the folder at `url`, or isn't a name."""
    if name and ("\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/"))):
        raise ValueError(f"{name[:80]!r} is not the name of a file below {url}")


def is_hidden(name: str) -> bool:
    """Whether any part of a name isn't ours: `.DS_Store`, `._x`, `Thumbs.db`, temporary files.

    No file of a store has such a name, so listings skip them.
    """
    parts = name.split("/")
    return name.lower().endswith(_ENDINGS) or any(
        part.startswith(".") or part.lower() in _LEFT_BY_SYSTEMS for part in parts
    )
