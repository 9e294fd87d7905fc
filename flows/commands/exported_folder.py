"""Writes the folder of an exported pipeline: a new one, whose index comes last."""

from collections.abc import Mapping

from storage.folders import Folder, folder_at, local_file


def free_folder(out: str) -> Folder:
    """The folder that `out` names; a ValueError if something is in it."""
    folder = folder_at(str(local_file(out, "the exported folder")))
    if folder.names():
        raise ValueError(f"{folder.url} isn't empty; name another folder with --out")
    return folder


def write_files(folder: Folder, files: Mapping[str, bytes], *, is_dry: bool) -> int:
    """Write files in their order, by names that may begin with a folder's; returns their bytes."""
    for name, data in () if is_dry else files.items():
        inner, _, plain = name.rpartition("/")
        (folder / inner if inner else folder).replace(plain, data)
    return sum(len(data) for data in files.values())


def not_written(is_dry: bool) -> str:
    """How the sentence about an export ends, if it was only made in memory."""
    return "; nothing was written" if is_dry else ""
