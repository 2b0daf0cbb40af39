"""What can be wrong with a file as a whole. A bad row is no error: it is handed on, and named."""

from __future__ import annotations


class FileError(ValueError):
    """The file can't be imported at all; the text names the file, the cause and a remedy. Nothing was loaded."""


class MappingError(FileError):
    """The mapping can't be used; the text names the mapping and the key."""
