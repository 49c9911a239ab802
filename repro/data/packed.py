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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.data.closing import Closing
from repro.data.hdf5_writer import new_hdf5
from repro.data.jets import Jets
from repro.errors import BadInput, MissingData

__all__ = ["FORMAT", "PackedJets", "PackedPart", "is_packed", "write_packed"]

FORMAT = "repro packed jets 1"

_CHUNK = 8192
_STORED = 2**16  # numbers in one compressed block of a flat array
_MOMENTA = ("px", "py", "pz")


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
        self.constituents = int(file.attrs["places"])
        self.tau_names: tuple[str, ...] = tuple(json.loads(file.attrs["tau_names"]))
        self.quantity_names: tuple[str, ...] = tuple(json.loads(file.attrs["quantity_names"]))
        self.recipe: dict[str, Any] = json.loads(file.attrs["repro"])
        counts = file["counts"][:].astype(np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(counts)])

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is damaged or no packed file.
        """
        path = Path(path)
        if not path.exists():
            raise MissingData(f"{path} is not there: check the path or simulate the jets again")
        if not is_packed(path):
            raise BadInput(f"{path} holds no packed jets: simulate them again")
        file = h5py.File(path, "r")
        try:
            return cls(path, file)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
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
            except (OSError, KeyError, ValueError) as error:
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
        file, rows = self._file, slice(start, stop)
        offsets = self._offsets[start : stop + 1]
        flat = slice(int(offsets[0]), int(offsets[-1]))
        momenta = np.stack([file[name][flat] for name in _MOMENTA], axis=1)
        filled = np.arange(self.constituents) < np.diff(offsets)[:, None]
        four_momenta = np.zeros((stop - start, self.constituents, 4), np.float32)
        four_momenta[filled] = np.column_stack([_energy(momenta), momenta])
        jets = Jets(
            four_momenta,
            file["labels"][rows].astype(np.int64),
            file["truth"][rows],
            file["split"][rows].astype(np.int64),
        )
        return PackedPart(jets, file["tau"][rows], file["quantities"][rows])


def is_packed(path: Path) -> bool:
    """Return whether a file holds packed jets, of this version of the format."""
    try:
        with h5py.File(path, "r") as file:
            return bool(file.attrs.get("format") == FORMAT)
    except OSError:
        return False


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
