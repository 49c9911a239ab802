"""The HDF5 twins of record 12102: one array for each branch, at the root of the file.

Scalars have shape (n,), tracks (n, 60), vertices (n, 5), particle candidates (n, 100), filled up
with zeros; PyTables wrote them, compressed with blosc.

The script that is published with the ntuples cuts the last row off its tables of tracks, vertices
and candidates (``convert-uproot-opendata.py``, ``iloc[0:-1]``).  So the last jet of a twin lacks
its last object of each kind, and if it had only one, the arrays are one row shorter than the
others: that row is read as empty.
"""

from collections.abc import Container, Sequence
from os import PathLike
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import Group, find_group
from repro.data.hbb.labels import targets_of
from repro.data.hbb.table import RecordTable
from repro.data.hdf5 import check_dataset, open_hdf5
from repro.errors import BadInput

__all__ = ["TwinTable", "check_types", "refuse_missing"]

_NEEDED = ("tracks", "vertices", "spectators", "flags")


class TwinTable(RecordTable):
    """A twin, open for reading."""

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is no HDF5 file, truncated, without a branch that is needed, or empty.
        """
        return cls(str(path), open_hdf5(path))

    def _inspect(self) -> int:
        # Scalars have all rows; arrays of objects may lack the last one, see above.
        self._checked: dict[str, list[Any]] = {}
        flag = find_group("flags").branches[0]
        self._length = len(self._file[flag]) if flag in self._file else -1
        if self._length:
            refuse_missing(self.label, self._file, _NEEDED)
            for name in _NEEDED:
                self._check(find_group(name))
        return self._length

    def _read_group(self, group: Group, start: int, stop: int) -> NDArray[Any]:
        values = np.zeros((stop - start, *group.shape), group.dtype)
        for i, dataset in enumerate(self._check(group)):
            places = () if group.slots is None else (slice(group.slots),)
            read = dataset[(slice(start, stop), *places)]
            values[: len(read), i] = read
        return values

    def _read_targets(self, start: int, stop: int) -> NDArray[np.float32]:
        flags = find_group("flags")
        return targets_of(np.stack([d[start:stop] for d in self._check(flags)], axis=1))

    def _datasets(self, group: Group) -> list[Any]:
        refuse_missing(self.label, self._file, [group.name])
        return [self._file[name] for name in group.branches]

    def _check(self, group: Group) -> list[Any]:
        """Return the arrays of a group, each of which is looked at once."""
        if group.name not in self._checked:
            datasets = self._datasets(group)
            for name, dataset in zip(group.branches, datasets, strict=True):
                self._check_array(name, dataset, group)
            self._checked[group.name] = datasets
        return self._checked[group.name]

    def _check_array(self, name: str, dataset: Any, group: Group) -> None:  # noqa: ANN401
        if not isinstance(dataset, h5py.Dataset):
            raise BadInput(f"{self.label}: {name} is no array: get the file again")
        check_types(self.label, name, dataset.dtype, group)
        rows = {self._length, self._length - (group.slots is not None)}
        fits = dataset.ndim == len(group.shape) and dataset.shape[0] in rows
        if not fits or (group.slots is not None and dataset.shape[1] < group.slots):
            wanted = (self._length,) if group.slots is None else (self._length, group.slots)
            raise BadInput(f"{self.label}: {name} has shape {dataset.shape}, not {wanted}")
        check_dataset(self.label, dataset, remote=self.remote)


def check_types(label: str, name: str, dtype: np.dtype[Any], group: Group) -> None:
    """Raise unless a branch has numbers of the kind that its group has.

    Raises:
        BadInput: If it has not.
    """
    # Some spectators are counts, which ROOT files may keep as integers.
    kinds = "f" if group.slots is not None else "biuf"
    if dtype.kind not in kinds:
        wanted = group.dtype if kinds == "f" else "numbers"
        raise BadInput(f"{label}: {name} is of type {dtype}, not {wanted}: get the file again")


def refuse_missing(label: str, found: Container[str], groups: Sequence[str]) -> None:
    """Raise unless a file has all branches of some groups.

    Args:
        label: The file, in messages.
        found: What it has.
        groups: Names of the groups.

    Raises:
        BadInput: If it has not; the message says which, and how many more.
    """
    needed = [name for group in groups for name in find_group(group).branches]
    missing = [name for name in needed if name not in found]
    if len(groups) > 1 and len(missing) == len(needed):
        raise BadInput(
            f"{label} holds no jets of record 12102, not one of its branches such as {needed[0]}: "
            "give a ROOT file of the record, its twin, or what 'repro convert' makes of them"
        )
    if missing:
        raise BadInput(_list_missing(label, missing))


def _list_missing(label: str, missing: Sequence[str]) -> str:
    shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    return f"{label} has no {shown}: it needs the branches of record 12102"
