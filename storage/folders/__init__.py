"""Folders at a path or URL: what is written there is whole, durable, and named for what it holds."""

from storage.folders.any_folder import folder_at
from storage.folders.folder import FileInfo, Folder

__all__ = ["FileInfo", "Folder", "folder_at"]
