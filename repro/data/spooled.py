"""Numbers that are too many for memory, in files without a name, which go with them."""

import itertools
import math
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from repro.data.refusals import advice_on
from repro.data.rows import Table
from repro.errors import BadInput

__all__ = ["IN_MEMORY", "MemoryTable", "SpooledRows", "SpooledTable", "make_table", "store_rows"]

IN_MEMORY = 256 * 2**20
"""Bytes of the largest table that is not put into a file."""


class _Scratch:
    """A file without a name: nothing is left of it, however the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._full(error) from error
        weakref.finalize(self, self._file.close)

    def write(self, offset: int, array: NDArray[Any]) -> None:
        content = _bytes_of(np.ascontiguousarray(array))
        try:
            self._file.seek(offset)
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise self._full(error) from error

    def read(self, offset: int, array: NDArray[Any]) -> None:
        content = _bytes_of(array)
        self._file.seek(offset)
        while content:
            read = self._file.readinto(content)
            if not read:
                raise EOFError("these numbers were not written")
            content = content[read:]

    def _full(self, error: OSError) -> BadInput:
        advice = advice_on(error, "set REPRO_CACHE to another folder, or give fewer --jets")
        return BadInput(
            f"what does not fit into memory cannot be put into {self._folder} "
            f"({error.strerror or error}): {advice}"
        )


class SpooledRows:
    """Numbers (n, columns) in a file; slices of the rows are read.

    Args:
        folder: On which disk.
        columns: How many numbers a row has.
        dtype: Of the numbers.

    Raises:
        BadInput: If the folder cannot be written to; as :meth:`append` does.

    >>> rows = SpooledRows(Path(tempfile.gettempdir()), 2, np.float32)
    >>> rows.append(np.arange(6.0).reshape(3, 2))
    >>> rows.shape, rows[1:3].tolist()
    ((3, 2), [[2.0, 3.0], [4.0, 5.0]])
    """

    def __init__(self, folder: Path, columns: int, dtype: DTypeLike) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._length, self._columns = 0, columns
        self._scratch = _Scratch(folder)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._length, self._columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._length

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows (n, columns) at the end.

        Raises:
            BadInput: If the disk is full.
        """
        self._scratch.write(self._offset(self._length), rows.astype(self.dtype, copy=False))
        self._length += len(rows)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return consecutive rows."""
        start, stop, step = rows.indices(self._length)
        if step != 1:
            raise ValueError("rows are read in their order, one after the other")
        found = np.empty((max(stop - start, 0), self._columns), self.dtype)
        self._scratch.read(self._offset(start), found)
        return found

    def whole(self) -> NDArray[Any]:
        """Return all rows."""
        return self[:]

    def _offset(self, row: int) -> int:
        return row * self._columns * self.dtype.itemsize


class SpooledTable:
    """Arrays (n, …) of equal shape, written some rows of each at a time, and read one by one.

    Args:
        folder: On which disk.
        shape: (arrays, n, …).
        dtype: Of the numbers.

    Raises:
        BadInput: If the folder cannot be written to; as :meth:`put` does.

    >>> table = SpooledTable(Path(tempfile.gettempdir()), (2, 3), np.int64)
    >>> table.put(0, np.array([[1, 2], [4, 5]]))
    >>> table.put(2, np.array([[3], [6]]))
    >>> [array.tolist() for array in table]
    [[1, 2, 3], [4, 5, 6]]
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._scratch = _Scratch(folder)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return self._shape[0]

    def put(self, start: int, block: NDArray[Any]) -> None:
        """Write the rows from ``start`` on of all arrays, (arrays, rows, …).

        Raises:
            BadInput: If the disk is full.
        """
        for number, rows in enumerate(block.astype(self._dtype, copy=False)):
            self._scratch.write(self._offset(number, start), rows)

    def __getitem__(self, number: int) -> NDArray[Any]:
        """Return an array.

        Raises:
            IndexError: If there is no such array.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        found = np.empty(self._shape[1:], self._dtype)
        self._scratch.read(self._offset(number, 0), found)
        return found

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[number] for number in range(len(self)))

    def _offset(self, number: int, row: int) -> int:
        each = math.prod(self._shape[2:]) * self._dtype.itemsize
        return (number * self._shape[1] + row) * each


class MemoryTable:
    """What a :class:`SpooledTable` is, in memory."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._table: NDArray[Any] = np.empty(shape, dtype)

    def put(self, start: int, block: NDArray[Any]) -> None:
        """Write the rows from ``start`` on of all arrays, (arrays, rows, …)."""
        self._table[:, start : start + block.shape[1]] = block

    def __getitem__(self, number: int) -> NDArray[Any]:
        """Return an array."""
        found: NDArray[Any] = self._table[number]
        return found


def make_table(
    shape: tuple[int, ...], dtype: DTypeLike, folder: Path | None
) -> MemoryTable | SpooledTable:
    """Return room for arrays (n, …) of equal shape.

    Args:
        shape: (arrays, n, …).
        dtype: Of the numbers.
        folder: For more than :data:`IN_MEMORY` bytes; None keeps all in memory.

    Raises:
        BadInput: If the folder cannot be written to.
    """
    if folder is None or math.prod(shape) * np.dtype(dtype).itemsize <= IN_MEMORY:
        return MemoryTable(shape, dtype)
    return SpooledTable(folder, shape, dtype)


def store_rows(parts: Iterable[NDArray[Any]], rows: int, folder: Path | None) -> Table:
    """Return rows that come in parts, in memory or, where they are too many, in a file.

    Args:
        parts: Arrays (n_i, columns), one or more.
        rows: How many they are together, at most.
        folder: For more than :data:`IN_MEMORY` bytes; None keeps all in memory.

    Raises:
        BadInput: If the folder cannot be written to.
    """
    coming = iter(parts)
    first = next(coming)
    columns, dtype = first.shape[1], first.dtype
    everything = itertools.chain([first], coming)
    if folder is not None and rows * columns * dtype.itemsize > IN_MEMORY:
        stored = SpooledRows(folder, columns, dtype)
        for part in everything:
            stored.append(part)
        return stored
    # One array from the beginning: together the parts may be as large as all.
    found, done = np.empty((rows, columns), dtype), 0
    for part in everything:
        found[done : done + len(part)] = part
        done += len(part)
    return found[:done]


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """Return the memory of a contiguous array."""
    buffer: Any = array.reshape(-1)
    return memoryview(buffer).cast("B") if array.size else memoryview(b"")
