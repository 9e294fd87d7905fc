"""The kind of data set that reads the pictures at a path."""

from pathlib import Path

_KINDS = {".npy": "arrays", ".npz": "arrays", ".tar": "image-tars"}


def kind_at(path: Path) -> str:
    """By the ending, or by tars in a folder; a folder or zip of pictures otherwise."""
    has_tars = path.is_dir() and any(path.glob("*.tar"))
    return "image-tars" if has_tars else _KINDS.get(path.suffix, "image-folder")
