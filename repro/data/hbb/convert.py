"""Make processed files of the record's files, as the authors' converter does, and right.

Like theirs: up to 100,000 jets a file, no file with jets of two sources, ``newdata_0.h5`` and on,
what is there is not made again.  Unlike theirs: the features of each jet are its own (dossier, 4.7,
quirk 6), NaN is refused or replaced, memory is bounded, a file is whole or not there and says what
it was made from, and ``.npy`` copies are not written.
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Progress, silent
from repro.data.hbb.opening import open_table
from repro.data.hbb.processed import read_recipe, write_processed
from repro.data.hbb.streaming import is_address
from repro.data.hbb.table import CHUNK, RecordTable
from repro.data.integrity import hash_file
from repro.errors import BadInput

__all__ = ["JETS_PER_FILE", "convert", "convert_range"]

# Jets at either end of a range that tell whether it is of the same file.
_SOME = 100

JETS_PER_FILE = 100_000

Part = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class _Piece:
    """What becomes one processed file.

    Attributes:
        path: The processed file.
        source: The file of the record.
        start: First row.
        stop: Row after the last.
        recipe: What it is made from.
        made: Whether it is there.
    """

    path: Path
    source: str | PathLike[str]
    start: int
    stop: int
    recipe: dict[str, Any]
    made: bool


def convert(
    sources: Sequence[str | PathLike[str]],
    folder: Path,
    *,
    split: str = "train",
    jets_per_file: int = JETS_PER_FILE,
    max_jets: int | None = None,
    repair: bool = False,
    chunk: int = CHUNK,
    progress: Progress = silent,
) -> list[Path]:
    """Write processed files, and return their paths in order.

    All sources and files that are there are looked at before anything is written.

    Args:
        sources: Files of the record, in the order in which their jets are to come.
        folder: Where the files go; those that were made from the same jets stay.
        split: ``train`` or ``test``, as which they are written.
        jets_per_file: Most jets in one file.
        max_jets: How many jets to convert; all if not given.
        repair: Replace NaN and infinity instead of refusing them.
        chunk: Jets in memory at a time.
        progress: Shows how far it is.

    Raises:
        BadInput: If a source cannot be used, or a file is there that was made from other jets.
        MissingData: If a source is not there.
    """
    if not sources:
        raise BadInput("no files to convert: name some of the record's files")
    if jets_per_file < 1 or (max_jets is not None and max_jets < 1):
        raise BadInput("convert at least one jet, and at least one into each file")
    pieces: list[_Piece] = []
    left = max_jets
    for source in sources:
        with open_table(source) as table:
            stop = len(table) if left is None else min(len(table), left)
            left = None if left is None else left - stop
            for start in range(0, stop, jets_per_file):
                path = folder / f"newdata_{len(pieces)}.h5"
                last = min(start + jets_per_file, stop)
                recipe = _recipe(table, start, last, split=split, repair=repair)
                made = _is_made(path, recipe)
                pieces.append(_Piece(path, source, start, last, recipe, made))
    for piece in progress(pieces, "files"):
        if not piece.made:
            _write(piece, split, chunk, repair=repair)
    return [piece.path for piece in pieces]


def convert_range(
    source: str | PathLike[str],
    path: Path,
    *,
    start: int = 0,
    stop: int | None = None,
    max_jets: int | None = None,
    split: str = "train",
    repair: bool = False,
    chunk: int = CHUNK,
    progress: Progress = silent,
) -> tuple[int, bool]:
    """Write some jets of a file as one processed file.

    Args:
        source: A file of the record.
        path: The processed file; it stays if it was made from the same jets.
        start: First row.
        stop: Row after the last; the end if not given.
        max_jets: The most jets, instead of ``stop``.
        split: ``train`` or ``test``, as which they are written.
        repair: Replace NaN and infinity instead of refusing them.
        chunk: Jets in memory at a time.
        progress: Wraps the chunks.

    Returns:
        How many jets the file holds, and whether it was written now.

    Raises:
        BadInput: If the source or the range cannot be used, the file would replace its source, or
            one is there that was made from other jets.
        MissingData: If the source is not there.
    """
    with open_table(source) as table:
        if path.exists() and not is_address(source) and path.samefile(source):
            raise BadInput(f"{path} is the file that is converted: give another name")
        if max_jets is not None:
            stop = min(start + max_jets, len(table))
        stop = len(table) if stop is None else stop
        if not 0 <= start < stop <= len(table):
            raise BadInput(
                f"{table.label} has {len(table):,} jets: from {start} to {stop} there are none, or "
                "not all"
            )
        recipe = _recipe(table, start, stop, split=split, repair=repair)
        made = _is_made(path, recipe)
        if not made:
            parts = _parts(table, start, stop, chunk, repair=repair, progress=progress)
            write_processed(
                path,
                stop - start,
                parts,
                split=split,
                recipe=recipe,
                groups=table.feature_sets,
            )
        return stop - start, not made


def _write(piece: _Piece, split: str, chunk: int, *, repair: bool) -> None:
    jets = piece.stop - piece.start
    with open_table(piece.source) as table:
        parts = _parts(table, piece.start, piece.stop, chunk, repair=repair)
        write_processed(
            piece.path,
            jets,
            parts,
            split=split,
            recipe=piece.recipe,
            groups=table.feature_sets,
        )


def _parts(
    table: RecordTable,
    start: int,
    stop: int,
    chunk: int,
    *,
    repair: bool,
    progress: Progress = silent,
) -> Iterator[Part]:
    for row in progress(range(start, stop, chunk), "converting"):
        last = min(row + chunk, stop)
        groups = table.read_groups((*table.feature_sets, "spectators"), row, last, repair=repair)
        yield {**groups, "targets": table.read_targets(row, last)}


def _recipe(
    table: RecordTable, start: int, stop: int, *, split: str, repair: bool
) -> dict[str, Any]:
    """Return what a file is made from: a hash tells files of the same name apart.

    That of the whole file is known of files on disk alone; of some jets, of all.
    """
    seen = hashlib.sha256()
    for row, last in ((start, min(start + _SOME, stop)), (max(start, stop - _SOME), stop)):
        groups = table.read_groups((*table.feature_sets, "spectators"), row, last, repair=repair)
        for name in sorted(groups):
            seen.update(groups[name].tobytes())
        seen.update(table.read_targets(row, last).tobytes())
    return {
        "source": Path(table.label).name,
        "sha256": None if is_address(table.label) else _hash(Path(table.label).resolve()),
        "rows": [start, stop],
        "first_and_last_jets": seen.hexdigest(),
        "split": split,
        "repair": repair,
    }


def _hash(path: Path) -> str:
    """Return the hash of a file, computed once for as long as it is not touched."""
    status = path.stat()
    return _hash_of(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _hash_of(path: Path, _size: int, _modified: int) -> str:
    return hash_file(path)


def _is_made(path: Path, recipe: dict[str, Any]) -> bool:
    if not path.exists():
        return False
    if read_recipe(path) != recipe:
        raise BadInput(
            f"{path} was made from other jets or is damaged: remove it, or choose another place"
        )
    return True
