"""Jets of record 12102 for the items of ``hbb``: files at hand, a user's file, or none.

Numbers that the weights alone decide are computed without any jets; the others are then not
tested, and say what gets the first jets.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.data.hbb.jets import HbbJets
from repro.data.hbb.labels import Unlabelled
from repro.data.hbb.opening import open_table
from repro.data.hbb.streaming import is_address
from repro.data.invocation import invocation
from repro.data.pins import Artifact
from repro.data.record import SUFFIXES, index_of, list_record_files
from repro.data.store import Store
from repro.errors import MissingData

__all__ = ["RecordFiles", "choose_record_files"]

_LOG = logging.getLogger(__name__)

_DOI = "10.7483/OPENDATA.CMS.JGJX.MS7Q"
_TEST = "test"
_ABSENT = (
    f"no test file of CERN Open Data record 12102 (doi:{_DOI}) is cached: "
    "'{} fetch hbb/record --files 1' gets the first"
)
_NONE = {
    "fixtures": "the authors stored no jets of hbb: --data takes auto, paper or a file",
    "embedded": "no simulated jets of hbb come with it: --data takes auto, paper or a file",
}


@dataclass(frozen=True)
class RecordFiles:
    """Files of jets.

    Attributes:
        source: ``paper`` for the record's own test files, ``path`` for a user's file, or ``none``.
        paths: Paths, or an address; none if the source is ``none``.
        block: What names them in a result, without their number.
        limit: Use the first so many jets; all if None.
        absent: Why there are none.
    """

    source: str
    paths: tuple[str | Path, ...]
    block: dict[str, Any]
    limit: int | None = None
    absent: str = ""

    @property
    def kind(self) -> str:
        """What evidence they are.

        The authors' numbers are of five files of the record that are not known; those of its test
        files are jets of the same kind.
        """
        return "subset" if self.source == "paper" else "other"

    def __bool__(self) -> bool:
        return bool(self.paths)

    def iter_jets(
        self, unlabelled: Unlabelled = "background", *, repair: bool = False
    ) -> Iterator[HbbJets]:
        """Yield the jets of all files in chunks; memory is that of one.

        Args:
            unlabelled: What to do with jets without a label, see :mod:`repro.data.hbb.labels`.
            repair: Replace NaN and infinity, instead of refusing them.

        Raises:
            BadInput: If a file cannot be used.
            MissingData: If it is not there.
            DownloadFailed: If the network fails.
            NotAvailable: If a library of the extra ``root`` is needed and not installed.
        """
        left = self.limit
        for path in self.paths:
            with open_table(path) as table:
                stop = len(table) if left is None else min(left, len(table))
                yield from table.iter_jets(stop=stop, unlabelled=unlabelled, repair=repair)
            if left is not None:
                left -= stop
                if not left:
                    return

    def describe(self, jets: int) -> str:
        """Return the jets in words."""
        names = ", ".join(str(path).rpartition("/")[2] for path in self.paths)
        return f"{jets:,} jets of {names}"

    def data(self, jets: int) -> dict[str, Any]:
        """Return the ``data`` block of a result that looked at so many jets."""
        selection = "all" if self.limit is None or jets < self.limit else f"first {jets}"
        return {**self.block, "jets": jets, "selection": selection}


def choose_record_files(chosen: str, limit: int | None, store: Store) -> RecordFiles:
    """Return the jets of a choice; ``auto`` takes test files at hand or none, and says which.

    Args:
        chosen: ``auto``, ``paper``, or the path or address of a file.
        limit: Use the first so many jets.
        store: Where the record's files are.

    Raises:
        MissingData: If there are no such jets.
    """
    if chosen in _NONE:
        return _no_jets(_NONE[chosen])
    if chosen not in ("auto", "paper"):
        if not is_address(chosen) and not Path(chosen).is_file():
            raise MissingData(f"no data at {chosen!r}: give auto, paper, a file or its address")
        block = {"source": "path", "id": chosen.rpartition("/")[2], "doi": None, "sha256": None}
        return RecordFiles("path", (chosen,), block, limit)
    found = _at_hand(store)
    if found:
        if chosen == "auto":
            names = ", ".join(file.name for file in found)
            _LOG.warning("data: test files of record 12102 (doi:%s): %s", _DOI, names)
        return _of_record(found, limit, store)
    absent = _ABSENT.format(invocation())
    if chosen == "paper":
        raise MissingData(absent)
    return _no_jets(absent)


def _no_jets(why: str) -> RecordFiles:
    """Return no jets, and say so."""
    _LOG.warning(
        "data: no jets, for %s. Computed is what the weights alone give; numbers that need jets "
        "are not tested",
        why,
    )
    block = {"source": "none", "id": "none", "doi": None, "sha256": None}
    return RecordFiles("none", (), block, absent=why)


def _at_hand(store: Store) -> list[Artifact]:
    """Return the test files that are cached or in a mirror, of one format."""
    for suffix in reversed(SUFFIXES):
        if store.state_of(index_of(_TEST, suffix)) == "missing":
            continue
        listed = (file.artifact() for file in list_record_files(_TEST, suffix, store=store))
        found = [file for file in listed if store.state_of(file) != "missing"]
        if found:
            return found
    return []


def _of_record(files: list[Artifact], limit: int | None, store: Store) -> RecordFiles:
    paths = tuple(store.fetch(file) for file in files)
    pins = [store.settle(file) for file in files]
    block = {
        "source": "paper",
        "id": [file.id for file in files],
        "doi": _DOI,
        "sha256": [pin.sha256 for pin in pins],
        "files": [
            {"id": pin.id, "identifier": pin.identifier, "checksum": pin.checksum} for pin in pins
        ],
    }
    return RecordFiles("paper", paths, block, limit)
