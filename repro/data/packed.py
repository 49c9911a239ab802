"""Jets in little room, with what is dear to compute about them: the form of the shipped sample.

The data set's own format has 200 places for constituents and leaves most of them empty.  Here
constituents lie one after another, without their energies, as simulated constituents are
massless; subjettiness and jet quantities lie beside them.  Nothing is rounded: reading gives the
four-momenta bit for bit.  Any HDF5 library reads it: gzip, no plugins, no pickles.

Layout: ``counts (n,)``, ``px, py, pz`` (all constituents of all jets), ``labels``, ``split``,
``truth (n, 4)``, ``tau (n, 24)``, ``quantities (n, 7)``; attributes ``format``, ``places``,
``tau_names``, ``quantity_names`` and ``repro`` (how the jets were made, JSON).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.data.closing import Closing
from repro.data.hdf5 import check_dataset, open_hdf5, read_description
from repro.data.hdf5_attributes import read_attributes
from repro.data.hdf5_writer import new_hdf5
from repro.data.jets import MOST_PLACES, Jets, check_labels, check_momenta
from repro.data.regular import check_regular, parse_json
from repro.errors import BadInput, ReproError

__all__ = ["FORMAT", "PackedJets", "PackedPart", "is_packed", "write_packed"]

FORMAT = "repro packed jets 1"

_CHUNK = 8192
_STORED = 2**16  # numbers in one compressed block of a flat array
_MOMENTA = ("px", "py", "pz")
_COLUMNS = {
    **dict.fromkeys(("counts", "labels", "split"), "iu"),
    **dict.fromkeys((*_MOMENTA, "truth", "tau", "quantities"), "f"),
}
"""Kinds of numbers by column."""
# What h5py and numpy make of damaged bytes.
_DAMAGE = (OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError, OverflowError)


@dataclass(frozen=True, eq=False)
class PackedPart:
    """Some jets, with what was computed about them.

    Attributes:
        jets: The jets.
        tau: (n, len(tau_names)), subjettiness, float32; NaN where it is undefined.
        quantities: (n, len(quantity_names)), jet quantities, float32.
    """

    jets: Jets
    tau: NDArray[np.float32]
    quantities: NDArray[np.float32]


class PackedJets(Closing):
    """A packed file, open for reading; use it in a ``with`` statement.

    Attributes:
        path: The file.
        constituents: Places for constituents of the jets that it gives.
        tau_names, quantity_names: What the columns are.
        recipe: How the jets were made.
    """

    def __init__(self, path: Path, file: Any) -> None:  # noqa: ANN401  # h5py is untyped
        self.path = path
        self._file = file
        attributes = read_attributes(file, "places", "tau_names", "quantity_names")
        self.constituents = int(attributes["places"])
        self.tau_names = _names("tau_names", attributes)
        self.quantity_names = _names("quantity_names", attributes)
        self.recipe = read_description(file)
        columns = {name: _column(path, file, name) for name in _COLUMNS}
        counts = columns["counts"][:].astype(np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        if not 0 < self.constituents <= MOST_PLACES or counts.max(initial=0) > self.constituents:
            raise ValueError("more constituents than places")
        jets, constituents = (len(counts),), (int(self._offsets[-1]),)
        shapes = {
            "labels": jets,
            "split": jets,
            "truth": (*jets, 4),
            "tau": (*jets, len(self.tau_names)),
            "quantities": (*jets, len(self.quantity_names)),
            **dict.fromkeys(_MOMENTA, constituents),
        }
        if any(columns[name].shape != shape for name, shape in shapes.items()):
            raise ValueError("columns of other lengths")
        self._columns = columns

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is damaged or no packed file.
        """
        path = Path(path)
        check_regular(path)
        if not is_packed(path):
            raise BadInput(f"{path} holds no packed jets: simulate them again")
        file = open_hdf5(path)
        try:
            return cls(path, file)
        except ReproError:
            file.close()
            raise
        except _DAMAGE as error:
            file.close()
            raise BadInput(f"{path} is damaged: get it again") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def iter_parts(
        self, *, start: int = 0, stop: int | None = None, chunk: int = _CHUNK
    ) -> Iterator[PackedPart]:
        """Yield the jets in chunks, with subjettiness and jet quantities.

        Raises:
            BadInput: If the range is outside the file or the file is damaged.
        """
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise BadInput(f"{self.path} has {len(self)} rows: {start} to {stop} cannot be read")
        for row in range(start, stop, chunk):
            try:
                yield self._read(row, min(row + chunk, stop))
            except _DAMAGE as error:
                raise BadInput(f"{self.path} is damaged near row {row}: get it again") from error

    def iter_jets(
        self,
        *,
        start: int = 0,
        stop: int | None = None,
        chunk: int = _CHUNK,
        constituents: int | None = None,
    ) -> Iterator[Jets]:
        """Yield the jets alone, as :meth:`repro.data.tables.JetTable.iter_jets` does."""
        for part in self.iter_parts(start=start, stop=stop, chunk=chunk):
            jets = part.jets
            yield Jets(jets.four_momenta[:, :constituents], jets.labels, jets.truth, jets.split)

    def _read(self, start: int, stop: int) -> PackedPart:
        columns, rows = self._columns, slice(start, stop)
        offsets = self._offsets[start : stop + 1]
        flat = slice(int(offsets[0]), int(offsets[-1]))
        momenta = np.stack([columns[name][flat] for name in _MOMENTA], axis=1)
        filled = np.arange(self.constituents) < np.diff(offsets)[:, None]
        four_momenta = np.zeros((stop - start, self.constituents, 4), np.float32)
        four_momenta[filled] = np.column_stack([_energy(momenta), momenta])
        jets = Jets(
            four_momenta,
            columns["labels"][rows].astype(np.int64),
            columns["truth"][rows],
            columns["split"][rows].astype(np.int64),
        )
        check_momenta(self.path, four_momenta, start)
        check_labels(self.path, jets.labels, start)
        return PackedPart(jets, columns["tau"][rows], columns["quantities"][rows])


def is_packed(path: Path) -> bool:
    """Return whether a file holds packed jets, of this version of the format."""
    try:
        with open_hdf5(path) as file:
            found = read_attributes(file, "format").get("format")
            return isinstance(found, str) and found == FORMAT
    except (ReproError, *_DAMAGE):
        return False


def _names(attribute: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    found = parse_json(attributes[attribute])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{attribute} are no names")
    return tuple(found)


def _column(path: Path, file: Any, name: str) -> Any:  # noqa: ANN401
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in _COLUMNS[name]:
        raise ValueError(f"{name} are no numbers")
    check_dataset(path, dataset)
    return dataset


def write_packed(
    path: Path,
    parts: Iterable[PackedPart],
    tau_names: Sequence[str],
    quantity_names: Sequence[str],
    recipe: dict[str, Any],
) -> None:
    """Write a packed file, whole or not at all; the same jets give the same bytes.

    Args:
        path: The file; replaced if it exists.
        parts: The jets.
        tau_names: What the columns of ``tau`` are.
        quantity_names: What the columns of ``quantities`` are.
        recipe: How the jets were made.

    Raises:
        BadInput: If a constituent has a mass or follows an empty place, which would be lost,
            or the file cannot be written.
    """
    places, columns = _columns(parts)
    with new_hdf5(path) as new:
        file = new.hdf5
        for name, pieces in columns.items():
            values = np.concatenate(pieces)
            blocks = (min(len(values), _STORED), *values.shape[1:])
            packing = {"chunks": blocks, "compression": 9, "shuffle": True}
            file.create_dataset(name, data=values, **(packing if values.size else {}))
            new.check()
        file.attrs["format"] = FORMAT
        file.attrs["places"] = places
        file.attrs["tau_names"] = json.dumps(list(tau_names))
        file.attrs["quantity_names"] = json.dumps(list(quantity_names))
        file.attrs["repro"] = json.dumps(recipe)


def _columns(parts: Iterable[PackedPart]) -> tuple[int, dict[str, list[NDArray[Any]]]]:
    """Return the places for constituents, and each column in pieces, without padding."""
    columns: dict[str, list[NDArray[Any]]] = {}
    places = 0
    for part in parts:
        jets = part.jets
        places = jets.four_momenta.shape[1]
        filled = (jets.four_momenta != 0).any(axis=2)
        if (filled[:, 1:] & ~filled[:, :-1]).any():
            raise BadInput("these jets have holes among their constituents: use a table")
        constituents = jets.four_momenta[filled]
        if not np.array_equal(_energy(constituents[:, 1:]), constituents[:, 0]):
            raise BadInput("these constituents have masses, and packed ones cannot: use a table")
        pieces = {
            "counts": filled.sum(axis=1).astype(np.uint16),
            **{name: constituents[:, i].copy() for i, name in enumerate(_MOMENTA, start=1)},
            "labels": jets.labels.astype(np.uint8),
            "split": jets.split.astype(np.uint8),
            "truth": jets.truth.astype(np.float32),
            "tau": part.tau.astype(np.float32),
            "quantities": part.quantities.astype(np.float32),
        }
        for name, piece in pieces.items():
            columns.setdefault(name, []).append(piece)
    if not columns:
        raise BadInput("no jets to pack: check the input")
    return places, columns


def _energy(momenta: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the energy of massless constituents as the simulation stores it."""
    energy: NDArray[np.float32] = np.sqrt((momenta.astype(np.float64) ** 2).sum(axis=1)).astype(
        np.float32
    )
    return energy
