"""Inputs of the Interaction Network for jets in files, read a few at a time.

A jet is 7.5 kB in memory, and a file of record 12102 has 200,000 of them.  What goes over its jets
once or twice need not hold them.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.labels import Unlabelled
from repro.data.hbb.opening import open_table
from repro.data.hbb.table import CHUNK
from repro.features.interaction import interaction_features, interaction_inputs

__all__ = ["RecordRows"]

Path = str | PathLike[str]


@dataclass(frozen=True)
class _Chunk:
    """Rows of a file.

    Attributes:
        path: The file.
        start: First row.
        stop: Row after the last.
    """

    path: Path
    start: int
    stop: int


class RecordRows:
    """Inputs (n, columns), float32, of jets in files; a slice of them is read when it is asked for.

    Reading goes by chunks, and the last one is kept: slices are best taken in their order.

    Args:
        paths: Of the files, in the order of the jets.
        limit: Use the first so many jets, unlabelled ones counted; all if None.
        unlabelled: What to do with jets without a label, see :mod:`repro.data.hbb.labels`.
        repair: Replace NaN and infinity, instead of refusing them.
        columns: Places of the columns to take among
            :func:`repro.features.interaction.interaction_features`; all if None.
        chunk: Jets that are read at a time.

    Attributes:
        labels: (n,), int64; 1 for H→bb̄, 0 for others.
        unlabelled: (n,), bool; which of the others are not QCD either.
        dtype: float32.

    Raises:
        BadInput: If a file cannot be used; as slices do, where a value is NaN or infinite.
        MissingData: If it is not there.
        DownloadFailed: If the network fails.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        limit: int | None = None,
        unlabelled: Unlabelled = "background",
        repair: bool = False,
        columns: Sequence[int] | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._policy: Unlabelled = unlabelled
        self._repair = repair
        every = range(len(interaction_features()))
        self._columns = None if columns is None or list(columns) == list(every) else list(columns)
        self._width = len(every) if self._columns is None else len(self._columns)
        self._chunks: list[_Chunk] = []
        labels, without = [], []
        for part, (found, none) in _labels(paths, limit, chunk):
            kept = ~none if unlabelled == "removed" else slice(None)
            self._chunks.append(part)
            labels.append(found[kept])
            without.append(none[kept])
        self._ends = list(itertools.accumulate(map(len, labels)))
        self.labels: NDArray[np.int64] = np.concatenate(labels)
        self.unlabelled: NDArray[np.bool_] = np.concatenate(without)
        self.dtype = np.dtype(np.float32)
        self._read: tuple[int, NDArray[np.float32]] | None = None

    def __len__(self) -> int:
        """Return the number of jets."""
        return len(self.labels)

    @property
    def read(self) -> int:
        """How many jets were read, with those that are left out."""
        return sum(part.stop - part.start for part in self._chunks)

    @property
    def shape(self) -> tuple[int, int]:
        """Jets and columns."""
        return len(self), self._width

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        """Return the inputs of consecutive jets."""
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("jets are read in their order, one after the other")
        parts = list(self._parts(start, stop))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, self._width), np.float32)

    def whole(self) -> NDArray[np.float32]:
        """Return the inputs of all jets."""
        found = np.empty(self.shape, np.float32)
        row = 0
        for part in self._parts(0, len(self)):
            found[row : row + len(part)] = part
            row += len(part)
        return found

    def _parts(self, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
        """Yield the inputs of consecutive jets, chunk by chunk."""
        begin = 0
        for number, end in enumerate(self._ends):
            if max(begin, start) < min(end, stop):
                yield self._chunk(number)[max(start - begin, 0) : stop - begin]
            begin = end

    def _chunk(self, number: int) -> NDArray[np.float32]:
        if self._read is None or self._read[0] != number:
            self._read = None  # two at once are not needed
            part = self._chunks[number]
            with open_table(part.path) as table:
                (jets,) = table.iter_jets(
                    start=part.start,
                    stop=part.stop,
                    chunk=part.stop - part.start,
                    unlabelled=self._policy,
                    repair=self._repair,
                )
            inputs = interaction_inputs(jets.tracks, jets.vertices)
            self._read = number, inputs if self._columns is None else inputs[:, self._columns]
        return self._read[1]


def _labels(
    paths: Sequence[Path], limit: int | None, chunk: int
) -> Iterator[tuple[_Chunk, tuple[NDArray[np.int64], NDArray[np.bool_]]]]:
    """Yield chunks of the files, each with labels and which jets have none."""
    left = limit
    for path in paths:
        with open_table(path) as table:
            stop = len(table) if left is None else min(left, len(table))
            labels, without = table.read_labels(0, stop)
        for start in range(0, stop, chunk):
            rows = slice(start, min(start + chunk, stop))
            yield _Chunk(path, start, rows.stop), (labels[rows], without[rows])
        if left is not None:
            left -= stop
            if not left:
                return
