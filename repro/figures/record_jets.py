"""Jets of record 12102 for the items of ``hbb``: files at hand, a user's file, or none.

Numbers that the weights alone decide are computed without any jets; the others are then not
tested, and say what gets the first jets.
"""

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.data.hbb.jets import HbbJets
from repro.data.hbb.labels import Unlabelled
from repro.data.hbb.opening import open_table
from repro.data.hbb.streaming import is_address
from repro.data.integrity import hash_file
from repro.data.invocation import invocation
from repro.data.pins import Artifact, find_artifact
from repro.data.record import GROUP, SUFFIXES, find_fetched, index_of, list_record_files
from repro.data.store import Store, shipped_path
from repro.errors import MissingData

__all__ = ["EMBEDDED", "STEP", "RecordFiles", "choose_record_files", "files_at"]

_LOG = logging.getLogger(__name__)

_DOI = "10.7483/OPENDATA.CMS.JGJX.MS7Q"
_TEST = "test"
_UNNAMED: dict[str, Any] = {"doi": None, "sha256": None}
_ABSENT = (
    f"no test file of CERN Open Data record 12102 (doi:{_DOI}) is cached: "
    "'{} fetch hbb/record --files 1' gets the first"
)
_NONE = {
    "fixtures": "the authors stored no jets of hbb: --data takes auto, paper, embedded or a file",
}
STEP = 1024
"""Jets that are looked at together: what a run that is stopped may lose."""
EMBEDDED = "hbb/embedded/window-1.h5"
"""Id of the pin of the simulated jets that come with the package."""


@dataclass(frozen=True)
class RecordFiles:
    """Files of jets; none is fetched, opened or hashed before it is needed.

    Attributes:
        source: ``paper`` for files of the record, ``embedded`` for the simulated jets that come
            with the package, ``path`` for a user's file, or ``none``.
        files: Files of the record, or the path or address of a file; none if the source is
            ``none``.
        store: Where files of the record are.
        limit: Use the first so many jets; all if None.
        absent: Why there are none.
    """

    source: str
    files: tuple[Artifact | str, ...]
    store: Store
    limit: int | None = None
    absent: str = ""

    @property
    def kind(self) -> str:
        """What evidence they are.

        The authors' numbers are of five files of the record that are not known; those of its test
        files are jets of the same kind.  On those of its train files the networks were trained.
        """
        ids = self.block["id"] if self.block["source"] == "paper" else ["none"]
        return "subset" if all(id_.startswith(f"{GROUP}/{_TEST}/") for id_ in ids) else "other"

    def __bool__(self) -> bool:
        return bool(self.files)

    @functools.cached_property
    def used(self) -> tuple[Artifact | str, ...]:
        """The files of the jets that are used: as many as it takes.

        Raises:
            BadInput, MissingData, DownloadFailed, NotAvailable: As :meth:`iter_jets`.
        """
        if self.limit is None or len(self.files) < 2:
            return self.files
        left = self.limit
        for number, file in enumerate(self.files, 1):
            with open_table(self._path(file)) as table:
                left -= len(table)
            if left <= 0:
                return self.files[:number]
        return self.files

    @functools.cached_property
    def count(self) -> int:
        """How many jets :meth:`iter_jets` gives, those without a label among them.

        Raises:
            BadInput, MissingData, DownloadFailed, NotAvailable: As :meth:`iter_jets`.
        """
        found = 0
        for path in self.paths:
            with open_table(path) as table:
                found += len(table)
        return found if self.limit is None else min(found, self.limit)

    @property
    def paths(self) -> tuple[Path | str, ...]:
        """Where the files that are used are, which are fetched.

        Raises:
            BadInput, MissingData, DownloadFailed, NotAvailable: As :meth:`iter_jets`.
        """
        return tuple(map(self._path, self.used))

    @functools.cached_property
    def block(self) -> dict[str, Any]:
        """What names the files in a result, without their number.

        A user's file is of the record if its hash is that of a file of the record that was fetched
        before: the record states no hashes itself.
        """
        if self.source == "none":
            return dict(_UNNAMED, source="none", id="none")
        if self.source == "embedded":
            embedded = find_artifact(EMBEDDED)
            return dict(_UNNAMED, source="embedded", id=embedded.id, sha256=embedded.sha256)
        if self.source == "paper":
            self.paths  # noqa: B018 - what files are is settled when they are first fetched
            used = (file for file in self.used if isinstance(file, Artifact))
            return _block_of([self.store.settle(file) for file in used])
        (path,) = map(str, self.files)
        if is_address(path):
            return dict(_UNNAMED, source="path", id=path)
        digest = hash_file(Path(path))
        pin = find_fetched(digest, self.store)
        if pin is not None:
            return _block_of([pin])
        return dict(_UNNAMED, source="path", id=Path(path).name, sha256=digest)

    def iter_jets(
        self, unlabelled: Unlabelled = "background", *, repair: bool = False, start: int = 0
    ) -> Iterator[HbbJets]:
        """Yield the jets of all files in steps of a thousand; memory is that of a few.

        Args:
            unlabelled: What to do with jets without a label, see :mod:`repro.data.hbb.labels`.
            repair: Replace NaN and infinity, instead of refusing them.
            start: Leave so many jets out at the beginning.

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
                first = min(start, stop)
                for jets in table.iter_jets(
                    start=first, stop=stop, unlabelled=unlabelled, repair=repair
                ):
                    # More are read together, for files are packed in blocks.
                    for row in range(0, len(jets), STEP):
                        yield jets.take(slice(row, row + STEP))
            start -= first
            if left is not None:
                left -= stop

    def _path(self, file: Artifact | str) -> Path | str:
        return self.store.fetch(file) if isinstance(file, Artifact) else file

    def describe(self, jets: int) -> str:
        """Return the jets in words."""
        names = (file.name if isinstance(file, Artifact) else Path(file).name for file in self.used)
        return f"{jets:,} jets of {', '.join(names)}"

    def data(self, jets: int, read: int | None = None) -> dict[str, Any]:
        """Return the ``data`` block of a result.

        Args:
            jets: How many it looked at.
            read: How many were read, if some of them were left out.
        """
        read = jets if read is None else read
        selection = "all" if self.limit is None or read < self.limit else f"first {read}"
        return {**self.block, "jets": jets, "selection": selection}


def choose_record_files(chosen: str, limit: int | None, store: Store) -> RecordFiles:
    """Return the jets of a choice.

    ``auto`` takes test files of the record that are at hand, for they are gigabytes, else the
    simulated jets that come with the package, and says which.

    Args:
        chosen: ``auto``, ``paper``, ``embedded``, or the path or address of a file.
        limit: Use the first so many jets.
        store: Where the record's files are.

    Raises:
        IntegrityError: If the jets that come with the package were changed.
        MissingData: If there are no such jets.
    """
    if chosen in _NONE:
        return _no_jets(_NONE[chosen], store)
    if chosen == "embedded":
        return _simulated(limit, store)
    if chosen not in ("auto", "paper"):
        if not is_address(chosen) and not Path(chosen).is_file():
            raise MissingData(
                f"no data at {chosen!r}: give auto, paper, embedded, a file or its address"
            )
        return files_at(chosen, limit, store)
    found = _at_hand(store)
    if found:
        if chosen == "auto":
            names = ", ".join(file.name for file in found)
            _LOG.warning("data: test files of record 12102 (doi:%s): %s", _DOI, names)
        return RecordFiles("paper", found, store, limit)
    absent = _ABSENT.format(invocation())
    if chosen == "paper":
        raise MissingData(absent)
    _LOG.warning("data: simulated jets that come with this package, for %s", absent)
    return _simulated(limit, store)


def files_at(path: str | Path, limit: int | None, store: Store) -> RecordFiles:
    """Return the jets of a file, whatever its name.

    Args:
        path: Its path or address.
        limit: Use the first so many jets.
        store: Where files of the record are, one of which it may be.
    """
    return RecordFiles("path", (str(path),), store, limit)


def _simulated(limit: int | None, store: Store) -> RecordFiles:
    embedded = find_artifact(EMBEDDED)
    shipped_path(embedded)  # or raises, before anything is computed
    return RecordFiles("embedded", (embedded,), store, limit)


def _no_jets(why: str, store: Store) -> RecordFiles:
    """Return no jets, and say so."""
    _LOG.warning(
        "data: no jets, for %s. Computed is what the weights alone give; numbers that need jets "
        "are not tested",
        why,
    )
    return RecordFiles("none", (), store, absent=why)


def _at_hand(store: Store) -> tuple[Artifact, ...]:
    """Return the test files that are cached or in a mirror, of one format."""
    for suffix in reversed(SUFFIXES):
        if store.state_of(index_of(_TEST, suffix)) == "missing":
            continue
        listed = (file.artifact() for file in list_record_files(_TEST, suffix, store=store))
        found = tuple(file for file in listed if store.state_of(file) != "missing")
        if found:
            return found
    return ()


def _block_of(pins: list[Artifact]) -> dict[str, Any]:
    """Return what names files of the record."""
    return {
        "source": "paper",
        "id": [pin.id for pin in pins],
        "doi": _DOI,
        "sha256": [pin.sha256 for pin in pins],
        "files": [
            {"id": pin.id, "identifier": pin.identifier, "checksum": pin.checksum} for pin in pins
        ],
    }
