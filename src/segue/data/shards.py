"""Shards: rows of small integers in `.npy` files of bounded size, appended to and memory-mapped.

A piece lies whole in one shard. A shard that is still being written is called `.part`; cutting
it to any earlier number of rows leaves a good one, which is what lets a killed run go on.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError

SHARD_BYTES = 64 * 2**20

# NumPy pads the header of a .npy file so that it can be written again in place with more rows.
_HEADER_BYTES = 128


def shard_name(number: int) -> str:
    """The file name of a shard."""
    return f"shard-{number:05d}.npy"


def row_dtype(sizes: tuple[int, ...]) -> np.dtype[Any]:
    """The smallest of uint8 and uint16 that holds every symbol of columns of these sizes."""
    return np.dtype("u1" if max(sizes, default=0) <= 256 else "<u2")


def _header(rows: int, columns: int, dtype: np.dtype[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer,
        {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (rows, columns),
        },
    )
    header = buffer.getvalue()
    if len(header) != _HEADER_BYTES:
        raise AssertionError(f"a .npy header of {len(header)} bytes")
    return header


class ShardWriter:
    """Appends pieces to shards in `folder`; `shard` and `rows` say where the next piece goes.

    A shard is closed before a piece that would take it past `limit` bytes, so that only a piece
    longer than that makes a longer shard.
    """

    def __init__(
        self, folder: Path, columns: int, dtype: np.dtype[Any], limit: int = SHARD_BYTES
    ) -> None:
        self.folder, self.columns, self.dtype = folder, columns, dtype
        self.shard = self.rows = 0
        self._limit = limit
        self._file: BinaryIO | None = None

    @property
    def _row_bytes(self) -> int:
        return self.columns * self.dtype.itemsize

    def _part(self) -> Path:
        return self.folder / (shard_name(self.shard) + ".part")

    def resume(self, shard: int, rows: int) -> bool:
        """Go on after `rows` rows of shard number `shard`; False if the files do not reach there.

        Whatever lies beyond is cut off and overwritten.
        """
        whole = all((self.folder / shard_name(n)).is_file() for n in range(shard))
        for later in self.folder.glob("shard-*"):
            if later.name[: len(shard_name(0))] > shard_name(shard):
                later.unlink()
        self.shard, self.rows = shard, rows
        # A shard may have been closed after the state that is gone back to.
        closed = self.folder / shard_name(shard)
        if closed.is_file():
            closed.replace(self._part())
        size = _HEADER_BYTES + rows * self._row_bytes
        enough = rows == 0 or (self._part().is_file() and self._part().stat().st_size >= size)
        if whole and enough and rows:
            os.truncate(self._part(), size)
        return whole and enough

    def add(self, rows: NDArray[np.uint16]) -> tuple[int, int]:
        """Append rows of shape (rows, columns); gives (shard, first row)."""
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise ValueError(f"rows came as {rows.shape}; (rows, {self.columns}) is allowed.")
        if self.rows and (self.rows + len(rows)) * self._row_bytes > self._limit:
            self.close_shard()
        if self._file is None:
            self._file = self._part().open("r+b" if self.rows else "wb")
            if not self.rows:
                self._file.write(bytes(_HEADER_BYTES))
            self._file.seek(0, os.SEEK_END)
        self._file.write(np.ascontiguousarray(rows, self.dtype).tobytes())
        place = self.shard, self.rows
        self.rows += len(rows)
        return place

    def sync(self) -> None:
        """Have everything added so far on the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close_shard(self) -> None:
        """Finish the shard under way, if it has rows; the next piece starts a new one."""
        if self.rows and self._file is None:  # resumed, and nothing added since
            self._file = self._part().open("r+b")
        if self._file is None:
            return
        self._file.seek(0)
        self._file.write(_header(self.rows, self.columns, self.dtype))
        self.sync()
        self.abandon()
        self._part().replace(self.folder / shard_name(self.shard))
        self.shard, self.rows = self.shard + 1, 0

    def abandon(self) -> None:
        """Let go of the file; what was synced can be resumed."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Shards:
    """The shards of a corpus as read-only memory maps, opened when first used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, NDArray[Any]] = {}

    def __getitem__(self, number: int) -> NDArray[Any]:
        """Shape (rows, columns), uint8 or uint16."""
        if number not in self._open:
            path = self._folder / shard_name(number)
            try:
                mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DataError(
                    f"{path} is missing or damaged ({error}): run `segue prepare` again."
                ) from error
            # A plain view: slicing np.memmap itself costs ten times as much.
            self._open[number] = mapped.view(np.ndarray)
        return self._open[number]

    def __getstate__(self) -> dict[str, Any]:
        return {"_folder": self._folder, "_open": {}}
