"""Folders at a path or URL: what is written there is whole, durable, and named for what it holds."""

from storage.folders.any_folder import folder_at
from storage.folders.folder import FileInfo, Folder
from storage.folders.local_paths import local_file
from storage.folders.named_file import input_file
from storage.folders.untouched import WouldWriteError, untouched

__all__ = [
    "FileInfo",
    "Folder",
    "WouldWriteError",
    "folder_at",
    "input_file",
    "local_file",
    "untouched",
]
