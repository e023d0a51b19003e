"""Records of a fixed size, one a piece, appended to a file and read back as a memory map."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class RecordWriter:
    """Appends records of `dtype` to the file `path`."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path, self.dtype = path, dtype
        self._file: BinaryIO | None = None

    def resume(self, count: int) -> bool:
        """Go on after `count` records, cutting off what follows; False if there are fewer."""
        size = count * self.dtype.itemsize
        if count and not (self.path.is_file() and self.path.stat().st_size >= size):
            return False
        self._file = self.path.open("r+b" if self.path.exists() else "w+b")
        self._file.truncate(size)
        self._file.seek(size)
        return True

    def add(self, record: bytes) -> None:
        """Append one record; ValueError for one of another size."""
        if len(record) != self.dtype.itemsize:
            raise ValueError(f"a record of {len(record)} bytes came, not {self.dtype.itemsize}.")
        assert self._file is not None, "resume comes first"
        self._file.write(record)

    def sync(self) -> None:
        """Have everything added so far on the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file; what was synced can be resumed."""
        if self._file is not None:
            self._file.close()
            self._file = None


def records(path: Path, dtype: np.dtype[Any]) -> NDArray[np.void]:
    """The records of a file, shape (records,), as a read-only memory map."""
    if not path.stat().st_size:
        return np.zeros(0, dtype)
    return np.memmap(path, dtype, mode="r").view(np.ndarray)
