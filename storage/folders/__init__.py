"""Folders at a path or URL: what is written there is whole, durable, and named for what it holds."""

from storage.folders.any_folder import folder_at
from storage.folders.folder import FileInfo, Folder
from storage.folders.local_paths import local_file

__all__ = ["FileInfo", "Folder", "folder_at", "local_file"]
