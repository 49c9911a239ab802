"""The files that the authors' converter makes of the record, and their networks read.

One file has up to 100,000 jets, feature-first::

    {train,test}ing_subgroup/{train,test}ing_0   (n, 27, 1)    features of the jet
    {train,test}ing_subgroup/{train,test}ing_1   (n, 10, 100)  particle candidates
    {train,test}ing_subgroup/{train,test}ing_2   (n, 30, 60)   tracks
    {train,test}ing_subgroup/{train,test}ing_3   (n, 14, 5)    vertices
    target_subgroup/target                       (n, 2)        QCD, H→bb̄
    spectator_subgroup/spectators                (n, 1, 11)

all float32.  In files of the authors' converter the first array holds the features of the first
jet for every jet (dossier, 4.7, quirk 6): nothing here reads it unless it is asked for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import FEATURE_SETS, Group, find_group
from repro.data.hbb.table import RecordTable
from repro.data.hdf5 import check_dataset, open_hdf5, read_description
from repro.data.hdf5_writer import new_hdf5
from repro.data.record import SPLITS
from repro.errors import BadInput, ReproError

__all__ = ["ProcessedTable", "read_recipe", "write_processed"]

_NEEDED = ("tracks", "vertices", "spectators")
_TARGET = "target_subgroup/target"
_SPECTATORS = "spectator_subgroup/spectators"


class ProcessedTable(RecordTable):
    """A processed file, open for reading."""

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is no HDF5 file, truncated, without an array that is needed, or empty.
        """
        return cls(str(path), open_hdf5(path))

    @property
    def split(self) -> str:
        """``train`` or ``test``: as what it was written."""
        return next((s for s in SPLITS if f"{s}ing_subgroup" in self._file), SPLITS[0])

    @property
    def feature_sets(self) -> tuple[str, ...]:
        """The groups that it has: files of simulated jets have tracks and vertices alone."""
        return tuple(n for n in FEATURE_SETS if self._place(find_group(n)) in self._file)

    def _inspect(self) -> int:
        self._checked: dict[str, Any] = {}
        target = self._dataset(_TARGET)
        length = len(target)
        _check_shape(self.label, target, (length, 2))
        for name in _NEEDED:
            group = find_group(name)
            dataset = self._dataset(self._place(group))
            _check_shape(self.label, dataset, (length, *_stored_shape(group)), group.slots)
        return length

    def _read_group(self, group: Group, start: int, stop: int) -> NDArray[Any]:
        dataset = self._dataset(self._place(group))
        _check_shape(self.label, dataset, (len(self), *_stored_shape(group)), group.slots)
        values: NDArray[Any] = dataset[start:stop, ..., : _stored_shape(group)[-1]]
        return values.reshape(stop - start, *group.shape)

    def _read_targets(self, start: int, stop: int) -> NDArray[Any]:
        targets: NDArray[Any] = self._dataset(_TARGET)[start:stop]
        return targets

    def _place(self, group: Group) -> str:
        if group.feature_set is None:
            return _SPECTATORS
        return f"{self.split}ing_subgroup/{self.split}ing_{group.feature_set}"

    def _dataset(self, place: str) -> Any:  # noqa: ANN401  # h5py is untyped
        """Return an array, which is looked at once."""
        if place not in self._checked:
            self._checked[place] = self._check(place)
        return self._checked[place]

    def _check(self, place: str) -> Any:  # noqa: ANN401
        dataset = self._file.get(place)
        if not isinstance(dataset, h5py.Dataset):
            raise BadInput(f"{self.label} has no {place}: it needs the converter's arrays")
        if dataset.dtype.kind != "f":
            raise BadInput(f"{self.label}: {place} is of type {dataset.dtype}, not float32")
        check_dataset(self.label, dataset, remote=self.remote)
        return dataset


def write_processed(
    path: Path,
    jets: int,
    parts: Iterable[Mapping[str, NDArray[np.float32]]],
    *,
    split: str = "train",
    recipe: Mapping[str, Any] | None = None,
    groups: Sequence[str] = FEATURE_SETS,
) -> None:
    """Write a processed file, whole or not at all; the same jets give the same bytes.

    Args:
        path: The file; replaced if it exists.
        jets: How many there are in all parts.
        parts: Groups ``jet``, ``candidates``, ``tracks``, ``vertices`` and ``spectators`` as
            :meth:`RecordTable.read_groups` gives them, and ``targets``, (n, 2).
        split: ``train`` or ``test``, which is in the names of the arrays.
        recipe: What the file was made from; kept with it as JSON.
        groups: The feature sets that the parts have; the file has no others.

    Raises:
        BadInput: If there are other than ``jets``, or the file cannot be written.
    """
    if split not in SPLITS:
        raise BadInput(f"processed files are written for {' or '.join(SPLITS)}, not {split!r}")
    with new_hdf5(path) as new:
        places = _create(new.hdf5, jets, split, groups)
        row = 0
        for part in parts:
            n = len(part["targets"])
            for name, dataset in places.items():
                dataset[row : row + n] = part[name].reshape(n, *dataset.shape[1:])
            row += n
            new.check()
        if row != jets:
            raise BadInput(f"{path} was to hold {jets} jets and there are {row}")
        new.hdf5.attrs["repro"] = json.dumps(dict(recipe or {}), sort_keys=True)


def read_recipe(path: Path) -> dict[str, Any] | None:
    """Return what a processed file was made from; None if it does not say or is not there."""
    try:
        with open_hdf5(path) as file:
            return read_description(file)
    except (ReproError, OSError, KeyError, ValueError, TypeError, RuntimeError):
        return None


def _create(
    file: Any,  # noqa: ANN401  # h5py is untyped
    jets: int,
    split: str,
    groups: Sequence[str],
) -> dict[str, Any]:
    shapes = {
        f"{split}ing_subgroup/{split}ing_{find_group(name).feature_set}": name for name in groups
    }
    shapes[_SPECTATORS] = "spectators"
    places = {
        name: file.create_dataset(place, (jets, *_stored_shape(find_group(name))), np.float32)
        for place, name in shapes.items()
    }
    return {**places, "targets": file.create_dataset(_TARGET, (jets, 2), np.float32)}


def _stored_shape(group: Group) -> tuple[int, ...]:
    """Shape of one jet's array in the file, where what is no list has an axis of length 1."""
    if group.slots is not None:
        return group.shape
    return (*group.shape, 1) if group.feature_set is not None else (1, *group.shape)


def _check_shape(
    label: str,
    dataset: Any,  # noqa: ANN401  # h5py is untyped
    wanted: tuple[int, ...],
    slots: int | None = None,
) -> None:
    """Raise unless the shape is the wanted one, or has more places for objects.

    A later version of the authors' converter has seven places for vertices.
    """
    shape = dataset.shape
    if slots is not None and shape[:-1] == wanted[:-1] and shape[-1] > slots:
        return
    if shape != wanted:
        raise BadInput(f"{label}: {dataset.name[1:]} has shape {shape}, not {wanted}")
