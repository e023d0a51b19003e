"""One door to every file format: `read` and `write`, by a table of suffixes."""

from segue.formats.table import FORMATS, Format, Reading, format_of, read, read_reported, write

__all__ = ["FORMATS", "Format", "Reading", "format_of", "read", "read_reported", "write"]
