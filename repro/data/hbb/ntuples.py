"""The ROOT files of record 12102: a tree with one entry for each jet.

Scalars are plain branches; tracks, vertices and particle candidates are jagged ones, as long as
the jet has objects.  They are read with uproot (extra ``root``), some jets at a time.
"""

from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.completeness import check_whole
from repro.data.hbb.branches import Group, find_group, tree_name
from repro.data.hbb.extras import load_awkward, load_uproot
from repro.data.hbb.labels import targets_of
from repro.data.hbb.table import RecordTable
from repro.data.hbb.twins import check_types, refuse_missing
from repro.data.pins import MAGIC
from repro.errors import BadInput, IntegrityError, MissingData

__all__ = ["RootTable"]

_NEEDED = ("tracks", "vertices", "spectators", "flags")


class RootTable(RecordTable):
    """A ROOT file, open for reading."""

    def _inspect(self) -> int:
        try:
            self._tree = self._file[tree_name()]
            length = int(self._tree.num_entries)
        except (KeyError, AttributeError) as error:
            held = ", ".join(self._file.keys(cycle=False)[:4]) or "nothing"
            raise BadInput(f"{self.label} has no tree {tree_name()} (it holds {held})") from error
        if length:
            refuse_missing(self.label, self._tree, _NEEDED)
            for name in _NEEDED:
                self._check(find_group(name))
        return length

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file.

        Raises:
            MissingData: If there is no such file.
            BadInput: If it is no ROOT file, truncated, without the tree or a branch, or empty.
            NotAvailable: If uproot is not installed.
        """
        label = str(path)
        uproot = load_uproot()
        if not Path(path).exists():
            raise MissingData(f"{label} is not there: check the path or fetch the file")
        try:
            _check_head(Path(path))
            # Each range is read once: a cache of arrays would only take memory.
            file = uproot.open(label, array_cache=None)
        except IntegrityError as error:
            raise BadInput(f"{label} {error}: get it again") from error
        except Exception as error:  # whatever uproot makes of damaged bytes
            raise BadInput(f"{label} is damaged: get it again") from error
        return cls(label, file)

    def _read_group(self, group: Group, start: int, stop: int) -> NDArray[Any]:
        self._check(group)
        library = "np" if group.slots is None else "ak"
        read = self._tree.arrays(
            list(group.branches), entry_start=start, entry_stop=stop, library=library
        )
        if group.slots is None:
            return np.stack([read[name] for name in group.branches], axis=1)
        return self._pad(read, group, start)

    def _read_targets(self, start: int, stop: int) -> NDArray[np.float32]:
        return targets_of(self._read_group(find_group("flags"), start, stop))

    def _pad(self, lists: Any, group: Group, start: int) -> NDArray[Any]:  # noqa: ANN401
        """Cut lists to the places that there are, and fill them up."""
        awkward = load_awkward()
        slots = np.arange(group.shape[1])
        counts = awkward.to_numpy(awkward.num(lists[group.branches[0]]))
        values = np.full((len(counts), *group.shape), group.fill, group.dtype)
        taken = slots < counts[:, np.newaxis]
        # Where in the flat array each place's object is.
        objects = (np.cumsum(counts) - counts)[:, np.newaxis] + slots
        for i, name in enumerate(group.branches):
            differ = awkward.to_numpy(awkward.num(lists[name])) != counts
            if differ.any():
                raise BadInput(
                    f"{self.label}: {group.branches[0]} and {name} differ in their number of "
                    f"values in jet {start + int(differ.argmax())}: get the file again"
                )
            values[:, i][taken] = awkward.to_numpy(awkward.flatten(lists[name]))[objects[taken]]
        return values

    def _check(self, group: Group) -> None:
        refuse_missing(self.label, self._tree, [group.name])
        uproot = load_uproot()
        wanted = uproot.AsDtype if group.slots is None else uproot.AsJagged
        for name in group.branches:
            kind = self._tree[name].interpretation
            content = kind.content if isinstance(kind, uproot.AsJagged) else kind
            if not isinstance(kind, wanted) or not isinstance(content, uproot.AsDtype):
                shape = "one value" if group.slots is None else "a list of values"
                raise BadInput(f"{self.label}: {name} is {kind}, not {shape} for each jet")
            check_types(self.label, name, content.to_dtype, group)


def _check_head(path: Path) -> None:
    with path.open("rb") as stream:
        if not stream.read(4).startswith(MAGIC["root"]):
            raise IntegrityError("is no ROOT file")
    check_whole(path)
