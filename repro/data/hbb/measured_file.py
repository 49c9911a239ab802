"""Measured jets in a file of little room: the form of the shipped sample of H→bb̄ jets.

Tracks and vertices lie one after another, without padding; features are computed when they are
read.  Any HDF5 library reads it: gzip, no plugins, no pickles.

Layout: ``measured/jets``, ``measured/tracks`` and ``measured/vertices`` have an array for each
column of ``measured.toml``, in the type and the steps that it says; ``measured/counts`` says how
many tracks and vertices each jet has.  Attributes: ``format`` and ``repro`` (how the jets were
made, JSON).
"""

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import Group
from repro.data.hbb.derived import derive, targets_of_measured
from repro.data.hbb.measured import COUNTS, KINDS, MeasuredJets, columns_of, join_measured
from repro.data.hbb.table import RecordTable
from repro.data.hdf5 import check_dataset, open_hdf5, read_description
from repro.data.hdf5_attributes import read_attributes
from repro.data.hdf5_writer import new_hdf5
from repro.errors import BadInput

__all__ = ["FORMAT", "ROOT", "MeasuredTable", "write_measured"]

FORMAT = "repro measured jets 1"
ROOT = "measured"

_STORED = 2**16  # numbers in one compressed block


class MeasuredTable(RecordTable):
    """A file of measured jets, open for reading."""

    @property
    def feature_sets(self) -> tuple[str, ...]:
        """Tracks and vertices alone."""
        return COUNTS

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is no HDF5 file, damaged, or of another version of the format.
        """
        return cls(str(path), open_hdf5(path))

    @property
    def recipe(self) -> dict[str, Any]:
        """How the jets were made."""
        with self._explained(0):
            return read_description(self._file)

    def read_measured(self, start: int, stop: int) -> MeasuredJets:
        """Return the jets as they were measured.

        Raises:
            BadInput: If the file is damaged.
        """
        with self._explained(start):
            counts = {
                kind: self._file[f"{ROOT}/counts/{kind}"][start:stop].astype(np.int64)
                for kind in COUNTS
            }
            places = {"jets": slice(start, stop)}
            for kind in COUNTS:
                offsets = self._offsets[kind]
                places[kind] = slice(int(offsets[start]), int(offsets[stop]))
            found = {
                kind: {
                    column.name: column.unpack(
                        self._file[f"{ROOT}/{kind}/{column.name}"][places[kind]]
                    )
                    for column in columns_of(kind)
                }
                for kind in KINDS
            }
            return MeasuredJets(found["jets"], found["tracks"], found["vertices"], counts)

    def _inspect(self) -> int:
        if read_attributes(self._file, "format").get("format") != FORMAT:
            raise BadInput(f"{self.label} is of another version of the format: get it again")
        self._offsets = {}
        for kind in COUNTS:
            counts = self._counts(kind)[:].astype(np.int64)
            self._offsets[kind] = np.concatenate([[0], np.cumsum(counts)])
        lengths = {"jets": len(counts)} | {kind: int(self._offsets[kind][-1]) for kind in COUNTS}
        for kind, length in lengths.items():
            for column in columns_of(kind):
                dataset = self._file.get(f"{ROOT}/{kind}/{column.name}")
                if dataset is None or dataset.shape != (length,) or dataset.dtype != column.dtype:
                    raise BadInput(
                        f"{self.label} has no {ROOT}/{kind}/{column.name} of {length} values of "
                        f"type {column.dtype}: get it again"
                    )
                check_dataset(self.label, dataset, remote=self.remote)
        return len(counts)

    def _counts(self, kind: str) -> Any:  # noqa: ANN401  # h5py is untyped
        dataset = self._file.get(f"{ROOT}/counts/{kind}")
        if dataset is None or dataset.ndim != 1 or dataset.dtype.kind != "u":
            raise BadInput(f"{self.label} has no {ROOT}/counts/{kind} for each jet: get it again")
        check_dataset(self.label, dataset, remote=self.remote)
        return dataset

    def _read_group(self, group: Group, start: int, stop: int) -> NDArray[Any]:
        return derive(self.read_measured(start, stop), group.name)

    def _read_targets(self, start: int, stop: int) -> NDArray[Any]:
        return targets_of_measured(self.read_measured(start, stop))


def write_measured(path: Path, parts: Iterable[MeasuredJets], recipe: Mapping[str, Any]) -> None:
    """Write a file, whole or not at all; the same jets give the same bytes.

    Args:
        path: The file; replaced if it exists.
        parts: The jets.
        recipe: How they were made.

    Raises:
        BadInput: If there are none, or the file cannot be written.
    """
    jets = join_measured(list(parts))
    if not len(jets):
        raise BadInput("no jets to write: check the input")
    with new_hdf5(path) as new:
        file = new.hdf5
        for kind in COUNTS:
            _create(file, f"counts/{kind}", jets.counts[kind].astype(np.uint8))
        for kind in KINDS:
            values = jets.values(kind)
            for column in columns_of(kind):
                _create(file, f"{kind}/{column.name}", column.pack(values[column.name]))
                new.check()
        file.attrs["format"] = FORMAT
        file.attrs["repro"] = json.dumps(dict(recipe))


def _create(file: Any, name: str, values: NDArray[Any]) -> None:  # noqa: ANN401  # h5py is untyped
    packing = {"chunks": (min(len(values), _STORED),), "compression": 9, "shuffle": True}
    file.create_dataset(f"{ROOT}/{name}", data=values, **(packing if values.size else {}))
