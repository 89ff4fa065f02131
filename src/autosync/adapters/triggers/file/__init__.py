"""Watches a file, or the files of a folder: fires when their content has changed and nobody writes them any more."""

from autosync.adapters.triggers.file.kind import FILE_KIND, FOLDER_KIND
from autosync.adapters.triggers.file.options import FileOptions
from autosync.adapters.triggers.file.watching import FileTrigger

__all__ = ["FILE_KIND", "FOLDER_KIND", "FileOptions", "FileTrigger"]
