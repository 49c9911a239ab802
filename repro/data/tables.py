"""Read and write jets in the file format of the Top Quark Tagging Reference Dataset.

``train.h5``, ``val.h5`` and ``test.h5`` (Zenodo 10.5281/zenodo.2603256) are pandas tables
with one row for each jet: ``E_i, PX_i, PY_i, PZ_i`` of the constituents in GeV, ordered
by transverse momentum and padded with zeros, the momentum of the top quark
(``truthE, truthPX, truthPY, truthPZ``, zero for QCD), the split it belongs to (``ttv``) and
the label (``is_signal_new``, 1 for top).  They are read with h5py, in chunks of bounded
memory; pandas and PyTables are not needed and no pickle in them is run.

Source: arXiv:1902.09914, appendix; arXiv:2210.04371, section on data.
"""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.data._pytables import KEY, Column, locate_columns
from repro.data.closing import Closing
from repro.data.hbb.outside import record_files_named
from repro.data.hdf5 import check_dataset, open_hdf5
from repro.data.jets import (
    LABEL,
    MOMENTA,
    SPLIT,
    TRUTH,
    Jets,
    check_labels,
    check_momenta,
)
from repro.data.table_writer import write_jets
from repro.errors import BadInput

__all__ = ["JetTable", "Jets", "iter_jets", "read_jets", "write_jets"]

# 8192 rows of 200 constituents take 27 MB in the file's layout.
_CHUNK = 8192
_LARGEST_ROW = 2**16  # ten times as much as 200 constituents take


class JetTable(Closing):
    """A file of jets, open for reading; use it in a ``with`` statement.

    Attributes:
        path: The file.
        columns: All column names, in the file's order.
    """

    def __init__(self, path: Path, file: Any) -> None:  # noqa: ANN401  # h5py is untyped
        self.path = path
        self._file = file
        self._dataset = _find_dataset(path, file)
        try:
            self._where = locate_columns(file[KEY], self._dataset)
        except (KeyError, ValueError, TypeError) as error:
            raise BadInput(
                f"{path}: the column names cannot be read: write it again with pandas to_hdf"
            ) from error
        self.columns: tuple[str, ...] = tuple(self._where)
        if len(self) == 0:
            raise BadInput(f"{path} holds no jets: fetch or write it again")

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is not HDF5, truncated, without a table under the key ``table``,
                in pandas' fixed format, or empty; a file of record 12102 is named as one.
        """
        path = Path(path)
        with record_files_named(path):
            file = open_hdf5(path)
            try:
                return cls(path, file)
            except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                file.close()
                raise BadInput(f"{path} is damaged: get it again") from error
            except BadInput:
                file.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return int(self._dataset.shape[0])

    @property
    def constituents(self) -> int:
        """Number of constituents that each row has room for."""
        return sum(name.startswith("E_") and name[2:].isdigit() for name in self.columns)

    def iter_chunks(
        self,
        columns: Sequence[str] | None = None,
        *,
        start: int = 0,
        stop: int | None = None,
        chunk: int = _CHUNK,
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield columns in chunks of rows, each as the file has it, in native byte order.

        Args:
            columns: Names; all columns if not given.
            start: First row.
            stop: Row after the last; the end if not given.
            chunk: Rows at a time.

        Raises:
            BadInput: If a column is missing, the range is outside the file, or the file
                is damaged.
        """
        names = self.columns if columns is None else tuple(columns)
        places = {name: self._column(name) for name in names}
        for _, records in self._records(*self._range(start, stop, chunk), chunk):
            yield {name: _take(records, place) for name, place in places.items()}

    def iter_jets(
        self,
        *,
        start: int = 0,
        stop: int | None = None,
        chunk: int = _CHUNK,
        constituents: int | None = None,
    ) -> Iterator[Jets]:
        """Yield the jets in chunks.

        Args:
            start: First row.
            stop: Row after the last; the end if not given.
            chunk: Jets at a time.
            constituents: How many leading constituents to read; all if not given.

        Raises:
            BadInput: If a column is missing or of the wrong type, a four-momentum is NaN or
                infinite (in float32), a label is neither 0 nor 1, the range is outside the
                file, or the file is damaged.
        """
        # At least one, so that a file without any is told which column it lacks.
        available = max(self.constituents, 1)
        count = available if constituents is None else constituents
        if not 0 < count <= available:
            raise BadInput(
                f"{self.path} has {self.constituents} constituents: {count} cannot be read"
            )
        names = [f"{name}_{i}" for i in range(count) for name in MOMENTA]
        momenta = [self._column(name, "f") for name in names]
        truth = [self._column(name, "f") for name in TRUTH]
        split, label = self._column(SPLIT, "biuf"), self._column(LABEL, "biuf")
        for row, records in self._records(*self._range(start, stop, chunk), chunk):
            with np.errstate(over="ignore"):  # the check below reports it
                four_momenta = _gather(records, momenta).astype(np.float32, copy=False)
            labels, splits = _take(records, label), _take(records, split)
            self._check(row, four_momenta, labels, splits)
            yield Jets(
                four_momenta.reshape(len(records), count, 4),
                labels.astype(np.int64),
                _gather(records, truth),
                splits.astype(np.int64),
            )

    def _records(self, start: int, stop: int, chunk: int) -> Iterator[tuple[int, NDArray[Any]]]:
        for row in range(start, stop, chunk):
            try:
                records = self._dataset[row : min(row + chunk, stop)]
            except (OSError, RuntimeError, TypeError, ValueError) as error:
                raise BadInput(f"{self.path} is damaged near row {row}: get it again") from error
            yield row, records

    def _range(self, start: int, stop: int | None, chunk: int) -> tuple[int, int]:
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise BadInput(f"{self.path} has {len(self)} rows: {start} to {stop} cannot be read")
        if chunk < 1:
            raise BadInput(f"chunks of {chunk} rows cannot be read: give 1 or more")
        return start, stop

    def _column(self, name: str, kinds: str | None = None) -> Column:
        column = self._where.get(name)
        if column is None:
            raise BadInput(f"{self.path} has no column {name!r}: it needs the data set's columns")
        if kinds is not None and column.dtype.kind not in kinds:
            raise BadInput(
                f"{self.path}: column {name!r} is of type {column.dtype}: "
                f"write it as {'float32' if kinds == 'f' else 'int64'}"
            )
        return column

    def _check(
        self,
        row: int,
        four_momenta: NDArray[np.float32],
        labels: NDArray[Any],
        splits: NDArray[Any],
    ) -> None:
        check_momenta(self.path, four_momenta, row)
        check_labels(self.path, labels, row)
        if splits.dtype.kind == "f" and not np.isfinite(splits).all():
            raise BadInput(f"{self.path}: column {SPLIT!r} has NaN near row {row}: write integers")


def iter_jets(
    path: str | PathLike[str],
    start: int = 0,
    stop: int | None = None,
    *,
    chunk: int = _CHUNK,
    constituents: int | None = None,
) -> Iterator[Jets]:
    """Yield the jets of a file in chunks; see :meth:`JetTable.iter_jets`.

    Raises:
        MissingData: If there is no such file.
        BadInput: If the file or the range cannot be used.
    """
    with JetTable.open(path) as table:
        yield from table.iter_jets(start=start, stop=stop, chunk=chunk, constituents=constituents)


def read_jets(
    path: str | PathLike[str],
    start: int = 0,
    stop: int | None = None,
    *,
    constituents: int | None = None,
) -> Jets:
    """Read jets into memory: 3.2 kB for each jet of 200 constituents.

    Args:
        path: The file.
        start: First row.
        stop: Row after the last; the end if not given.
        constituents: How many leading constituents to read; all if not given.

    Raises:
        MissingData: If there is no such file.
        BadInput: If the file or the range cannot be used, or the range is empty.
    """
    with JetTable.open(path) as table:
        total = (len(table) if stop is None else stop) - start
        jets: Jets | None = None
        done = 0
        for part in table.iter_jets(start=start, stop=stop, constituents=constituents):
            if jets is None:  # the first part tells the shapes: no second copy of the whole
                jets = Jets(*(np.empty((total, *a.shape[1:]), a.dtype) for a in _arrays(part)))
            for array, new in zip(_arrays(jets), _arrays(part), strict=True):
                array[done : done + len(part)] = new
            done += len(part)
    if jets is None:
        raise BadInput(f"rows {start} to {stop} of {path} are no jets: give a longer range")
    return jets


def _find_dataset(path: Path, file: Any) -> Any:  # noqa: ANN401  # h5py is untyped
    group = file.get(KEY)
    if group is None:
        held = ", ".join(sorted(file)[:5]) or "nothing"
        raise BadInput(f"{path} has no table under the key {KEY!r} (it holds {held})")
    if isinstance(group, h5py.Group) and "axis0" in group:
        raise BadInput(f"{path} is in pandas' fixed format: write it with format='table'")
    dataset = group.get(KEY) if isinstance(group, h5py.Group) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.names is None or dataset.ndim != 1:
        raise BadInput(f"{path} holds no pandas table: write it with to_hdf(..., format='table')")
    check_dataset(path, dataset)
    if dataset.dtype.itemsize > _LARGEST_ROW:
        raise BadInput(
            f"{path} has rows of {dataset.dtype.itemsize:,} bytes: keep jets alone in it"
        )
    return dataset


def _take(records: NDArray[Any], column: Column) -> NDArray[Any]:
    values = records[column.field]
    values = values if column.position is None else values[:, column.position]
    return values.astype(column.dtype.newbyteorder("="))


def _gather(records: NDArray[Any], columns: Sequence[Column]) -> NDArray[Any]:
    """Copy columns side by side, shape (n, k); at once if they are neighbours in one block."""
    first = columns[0]
    start = first.position
    if start is not None and list(columns) == [
        Column(first.field, i, first.dtype) for i in range(start, start + len(columns))
    ]:
        values = records[first.field][:, start : start + len(columns)]
        return values.astype(first.dtype.newbyteorder("="))
    return np.stack([_take(records, column) for column in columns], axis=1)


def _arrays(jets: Jets) -> tuple[NDArray[Any], ...]:
    return jets.four_momenta, jets.labels, jets.truth, jets.split
