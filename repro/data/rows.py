"""Rows of numbers that need not be in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChangedRows", "Rows", "Table", "iter_blocks", "iter_columns", "take_rows", "whole_of"]

_NUMBERS_AT_ONCE = 2**22


class Rows(Protocol):
    """Numbers (n, columns) that are read when a slice of the rows is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]:
        """Return consecutive rows."""

    def whole(self) -> NDArray[np.floating]:
        """Return all rows."""


Table: TypeAlias = NDArray[Any] | Rows
"""Numbers (n, columns), in memory or not."""


class ChangedRows:
    """Rows, each block of which is changed in the same way when it is read.

    Args:
        rows: What is read.
        change: From (n, columns) to (n, width), row by row.
        width: Columns after that.

    Attributes:
        read_width: Columns that are read for each row.

    >>> halves = ChangedRows(np.ones((4, 3)), lambda block: block[:, :2] / 2, 2)
    >>> halves.shape, halves[1:3].tolist()
    ((4, 2), [[0.5, 0.5], [0.5, 0.5]])
    """

    def __init__(
        self, rows: Table, change: Callable[[NDArray[Any]], NDArray[np.floating]], width: int
    ) -> None:
        self._rows, self._change = rows, change
        self.read_width = getattr(rows, "read_width", rows.shape[1])
        self.shape = (len(rows), width)
        self.dtype = rows.dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]:
        """Return consecutive rows, changed."""
        return self._change(self._rows[rows])

    def whole(self) -> NDArray[np.floating]:
        """Return all rows, changed."""
        return self._change(whole_of(self._rows))


def whole_of(rows: Table) -> NDArray[Any]:
    """Return all rows in memory, where they may be already."""
    if isinstance(rows, np.ndarray):
        return rows
    return rows.whole()


def take_rows(rows: Table, which: NDArray[np.integer]) -> NDArray[Any]:
    """Return some rows, in the order of ``which``; what is read for it is a block at a time.

    Args:
        rows: (n, columns).
        which: (m,), their positions.
    """
    if isinstance(rows, np.ndarray):
        return np.asarray(rows[which])
    found = np.empty((len(which), rows.shape[1]), rows.dtype)
    size = _rows_at_once(rows)
    for start in range(0, len(rows), size):
        places = np.flatnonzero((which >= start) & (which < start + size))
        if len(places):
            found[places] = rows[start : start + size][which[places] - start]
    return found


def iter_blocks(rows: Table) -> Iterator[NDArray[Any]]:
    """Yield all rows, some at a time, in their order.

    >>> [len(block) for block in iter_blocks(np.zeros((5, 2)))]
    [5]
    """
    size = _rows_at_once(rows)
    return (rows[start : start + size] for start in range(0, len(rows), size))


def iter_columns(rows: Table, columns: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Yield some columns (n,), one after the other; from a file several are read in one pass.

    >>> [column.tolist() for column in iter_columns(np.array([[1, 2, 3], [4, 5, 6]]), [2, 0])]
    [[3, 6], [1, 4]]
    """
    if isinstance(rows, np.ndarray):
        yield from (rows[:, column] for column in columns)
        return
    several = max(1, _NUMBERS_AT_ONCE // max(1, len(rows)))
    for first in range(0, len(columns), several):
        chosen = list(columns[first : first + several])
        found = np.empty((len(chosen), len(rows)), rows.dtype)
        filled = 0
        for block in iter_blocks(rows):
            found[:, filled : filled + len(block)] = block[:, chosen].T
            filled += len(block)
        yield from found


def _rows_at_once(rows: Table) -> int:
    # What is changed may be wider where it is read.
    width = max(1, rows.shape[1], getattr(rows, "read_width", 0))
    return max(1, _NUMBERS_AT_ONCE // width)
