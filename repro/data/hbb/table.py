"""What the readers of record 12102 have in common: jets in chunks, checked.

A format says where its arrays lie (:class:`RecordTable`); what is made of them is the same for
all: ROOT files, their HDF5 twins, and the processed files of the authors' converter.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.closing import Closing
from repro.data.hbb.branches import FEATURE_SETS, Group, find_group
from repro.data.hbb.jets import HbbJets, join_jets
from repro.data.hbb.labels import Unlabelled, check_policy, labels_of
from repro.data.hbb.values import describe_faults, repair_values
from repro.errors import BadInput, DownloadFailed, ReproError

__all__ = ["CHUNK", "RecordTable"]

CHUNK = 4096
"""Jets at a time: 31 MB of tracks and vertices."""


class RecordTable(Closing):
    """A file of jets, open for reading; use it in a ``with`` statement.

    Args:
        label: Its path or address, for messages.
        file: The open file, as its library has it; closed with the table, and at once if it is
            not as it should be.
        beneath: For a file that is read over the network: what the library reads from.

    Attributes:
        label: As given.
        remote: Whether it is read over the network.

    Raises:
        BadInput: If a branch is missing or of the wrong type or shape, there are no jets, or the
            file is damaged.
        DownloadFailed: If the network fails.
    """

    def __init__(self, label: str, file: Any, *, beneath: Any = None) -> None:  # noqa: ANN401
        self.label = label
        self.remote = beneath is not None
        self._file = file
        with ExitStack() as opened:
            if beneath is not None:
                opened.callback(beneath.close)
            opened.callback(file.close)
            with self._explained(0):
                self._length = self._inspect()
            if self._length == 0:
                raise BadInput(f"{label} holds no jets: get it again")
            self._opened = opened.pop_all()

    @property
    def feature_sets(self) -> tuple[str, ...]:
        """The groups of :data:`FEATURE_SETS` that it has; tracks and vertices are always there."""
        return FEATURE_SETS

    @classmethod
    @abstractmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a file on disk."""

    @abstractmethod
    def _inspect(self) -> int:
        """Check that all is there that jets need; return their number."""

    @abstractmethod
    def _read_group(self, group: Group, start: int, stop: int) -> NDArray[Any]:
        """Return a group's values, (n, *group.shape), of whatever type the file has."""

    @abstractmethod
    def _read_targets(self, start: int, stop: int) -> NDArray[Any]:
        """Return the targets, (n, 2)."""

    def __len__(self) -> int:
        """Return the number of jets."""
        return self._length

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def iter_jets(
        self,
        *,
        start: int = 0,
        stop: int | None = None,
        chunk: int = CHUNK,
        unlabelled: Unlabelled = "background",
        repair: bool = False,
    ) -> Iterator[HbbJets]:
        """Yield the jets in chunks, which never hold no jets.

        Args:
            start: First row.
            stop: Row after the last; the end if not given.
            chunk: Rows at a time.
            unlabelled: What to do with jets without a label, see :mod:`repro.data.hbb.labels`.
            repair: Replace NaN and infinity as the program that wrote the ntuples does, instead
                of refusing them.

        Raises:
            BadInput: If the range is outside the file, a branch is missing or of the wrong type,
                a value is NaN or infinite, a label makes no sense, or the file is damaged.
            DownloadFailed: If the network fails.
            UnknownName: If there is no such policy for unlabelled jets.
        """
        check_policy(unlabelled)
        names = ("tracks", "vertices", "spectators")
        for row, last in self._ranges(start, stop, chunk):
            values = self.read_groups(names, row, last, repair=repair)
            with self._located(row, last):
                labels, without = labels_of(self._targets(row, last))
                jets = HbbJets(
                    values["tracks"], values["vertices"], labels, without, values["spectators"]
                )
            jets = jets.treat_unlabelled(unlabelled)
            if len(jets):
                yield jets

    def read_jets(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        unlabelled: Unlabelled = "background",
        repair: bool = False,
    ) -> HbbJets:
        """Read jets into memory, 8 kB each; see :meth:`iter_jets`."""
        parts = self.iter_jets(start=start, stop=stop, unlabelled=unlabelled, repair=repair)
        return join_jets(list(parts))

    def read_groups(
        self, names: Sequence[str], start: int, stop: int, *, repair: bool = False
    ) -> dict[str, NDArray[np.float32]]:
        """Return groups of branches, each (n, features) or (n, features, slots), float32.

        Args:
            names: Names of groups in ``branches.toml``.
            start: First row.
            stop: Row after the last.
            repair: Replace NaN and infinity instead of refusing them.

        Raises:
            BadInput: If a branch is missing or of the wrong type, a value is NaN or infinite, or
                the file is damaged.
            DownloadFailed: If the network fails.
        """
        found = {}
        for group in map(find_group, names):
            with self._explained(start), np.errstate(over="ignore"):  # infinity is found later
                raw = self._read_group(group, start, stop)
                values = raw.astype(np.float32, copy=False)
            found[group.name] = repair_values(values, group) if repair else values
        self._check_finite(found, start)
        return found

    def read_targets(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the authors' targets, (n, 2), QCD and H→bb̄: both 0 for unlabelled jets.

        Raises:
            BadInput: If a flag is neither 0 nor 1, or the file is damaged.
            DownloadFailed: If the network fails.
        """
        with self._located(start, stop):
            return self._targets(start, stop).astype(np.float32)

    def read_labels(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return labels, 1 for H→bb̄ and 0 for others, and which jets have none; both (n,).

        Raises:
            BadInput: If a label makes no sense, or the file is damaged.
            DownloadFailed: If the network fails.
        """
        with self._located(start, stop):
            return labels_of(self._targets(start, stop))

    def _targets(self, start: int, stop: int) -> NDArray[Any]:
        with self._explained(start):
            return self._read_targets(start, stop)

    def _ranges(self, start: int, stop: int | None, chunk: int) -> list[tuple[int, int]]:
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise BadInput(f"{self.label} has {len(self)} jets: {start} to {stop} cannot be read")
        if chunk < 1:
            raise BadInput(f"chunks of {chunk} jets cannot be read: give 1 or more")
        return [(row, min(row + chunk, stop)) for row in range(start, stop, chunk)]

    @contextmanager
    def _explained(self, row: int) -> Iterator[None]:
        """Turn whatever a library raises on damaged bytes into one line."""
        try:
            yield
        except (ReproError, MemoryError):
            raise
        except Exception as error:
            if self.remote:
                raise DownloadFailed(
                    f"{self.label} cannot be read on from jet {row} ({type(error).__name__}): "
                    "try again, or fetch the file first"
                ) from error
            raise BadInput(f"{self.label} is damaged near jet {row}: get it again") from error

    @contextmanager
    def _located(self, start: int, stop: int) -> Iterator[None]:
        """Say in which file and rows a fault is; its message counts jets from the first of them."""
        try:
            yield
        except BadInput as error:
            if str(error).startswith(self.label):
                raise
            raise BadInput(f"{self.label}, jets {start} to {stop - 1}: {error}") from error

    def _check_finite(self, values: Mapping[str, NDArray[np.float32]], row: int) -> None:
        faults = [describe_faults(values[name], find_group(name), row) for name in values]
        if any(faults):
            raise BadInput(
                f"{self.label}: {', '.join(filter(None, faults))}; get the file again, "
                "or have them replaced as the ntuples' own program does: --repair of score, "
                "explain and convert (repair=True)"
            )
