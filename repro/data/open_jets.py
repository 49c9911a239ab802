"""Open a file of jets in either format."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from repro.data.jets import Jets
from repro.data.packed import PackedJets, is_packed
from repro.data.tables import JetTable
from repro.errors import ReproError

__all__ = ["JetFile", "is_jet_file", "open_jets"]


class JetFile(Protocol):
    """A file of jets, open for reading; used in a ``with`` statement."""

    @property
    def constituents(self) -> int:
        """Places for constituents."""

    def __len__(self) -> int:
        """Return the number of jets."""

    def __enter__(self) -> Self:
        """Return the file."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        """Close the file."""

    def iter_jets(
        self,
        *,
        start: int = 0,
        stop: int | None = None,
        chunk: int = ...,
        constituents: int | None = None,
    ) -> Iterator[Jets]:
        """Yield the jets in chunks; see :meth:`repro.data.tables.JetTable.iter_jets`."""


def open_jets(path: str | PathLike[str]) -> JetFile:
    """Open a table in the paper's format, or packed jets.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is a folder, or holds no jets.
    """
    if is_packed(Path(path)):
        return PackedJets.open(path)
    return JetTable.open(path)


def is_jet_file(path: str | PathLike[str]) -> bool:
    """Whether a file is one that :func:`open_jets` opens."""
    try:
        with open_jets(path):
            return True
    except (ReproError, OSError):
        return False
