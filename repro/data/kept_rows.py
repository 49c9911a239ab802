"""Rows of a long computation, kept on disk so that a stopped run goes on where it stopped.

Rows come in blocks, in the order of the jets.  Each file of a folder holds the blocks of some
twenty seconds; ``reached.npz``, written after it, says how far they go and holds what is summed up
on the way.  The folder stays when the computation is complete, until what follows from the rows is
safe: whoever named it removes it.  A run that is killed loses what it did after the last of these.
"""

import functools
import hashlib
import io
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from repro.data.archives import read_arrays
from repro.data.atomic import write_atomically
from repro.errors import BadInput

__all__ = [
    "Arrays",
    "KeptRows",
    "add_prefix",
    "fingerprint",
    "join_rows",
    "keep_rows",
    "rows_in",
    "take_prefix",
]

_LOG = logging.getLogger(__name__)

_SECONDS_BETWEEN_FILES = 20.0
_REACHED, _DONE, _PREFIX = "reached.npz", "done", "array/"

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


def fingerprint(arrays: Iterable[NDArray[np.generic]], *settings: object) -> str:
    """Return a hash of everything that the rows depend on, this package's code among it.

    >>> fingerprint([np.zeros(2)], "aic") == fingerprint([np.zeros(2)], "bic")
    False
    """
    digest = hashlib.sha256(repr((_code(), settings)).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@functools.cache
def _code() -> str:
    """Return a hash of what computes: a resumed run must not mix rows of two versions of it."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    for library in ("numpy", "torch"):
        digest.update(f"{library} {metadata.version(library)}".encode())
    return digest.hexdigest()


class KeptRows:
    """The rows that are done.

    Args:
        folder: Where the files lie; ``None`` keeps nothing.

    Attributes:
        done: How many rows there are; those of a stopped run to begin with.
        state: What was summed up over the rows of a stopped run.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._blocks: list[Arrays] = []
        self._written = 0
        self._saved = time.monotonic()
        self._latest: Arrays = {}
        self.done = 0
        self.state: Arrays = {}
        if folder and (folder / _REACHED).is_file():
            self._read(folder)

    def add(self, rows: Arrays, state: Callable[[], Arrays] = dict) -> None:
        """Keep the next rows; write what is new once in a while.

        Args:
            rows: Arrays with as many rows each, with the same names for all blocks.
            state: Returns what was summed up over all rows so far, in arrays that stay as they are.
        """
        # Taken now: at an exception the sums may have a part of the next rows in them.
        self._latest = state()
        self._blocks.append(rows)
        self.done += _length(rows)
        if time.monotonic() - self._saved > _SECONDS_BETWEEN_FILES:
            self.save()

    def save(self) -> None:
        """Write the rows that are not written yet."""
        if self._folder is None or len(self._blocks) == self._written:
            return
        if not (self._folder / _REACHED).is_file():
            self._written = 0  # another process that computed the same was done, and removed it
        new = self._blocks[self._written :]
        first, self.state = self.done - sum(map(_length, new)), self._latest
        done = {_DONE: np.array(self.done)}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / f"{first:012d}.npz", _packed(join_rows(new)))
            write_atomically(self._folder / _REACHED, _packed(self.state, done))
        except (BadInput, OSError) as error:
            _LOG.warning("%s: going on, and nothing is kept if this run is stopped", error)
            self._folder = None
        self._written, self._saved = len(self._blocks), time.monotonic()

    def all(self) -> Arrays:
        """Return the rows of all blocks, one or more, as one."""
        return join_rows(self._blocks)

    def each(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield the rows of one of the arrays, block by block."""
        return (block[name] for block in self._blocks)

    def _read(self, folder: Path) -> None:
        try:
            reached = _unpacked(folder / _REACHED)
            done = int(reached.pop(_DONE))
            blocks = list(_blocks_up_to(folder, done))
        except (OSError, ValueError, LookupError, TypeError):
            _LOG.warning("what a stopped run left in %s is damaged: starting anew", folder)
            return
        with suppress(OSError):
            os.utime(folder)  # in use again, however old it is
        self._blocks, self._written = blocks, len(blocks)
        self.done, self.state = done, reached
        _LOG.warning("going on after the %d jets of a stopped run", done)


def join_rows(blocks: Sequence[Arrays]) -> Arrays:
    """Return one or more blocks with the same names as one."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def add_prefix(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return arrays with something before their names."""
    return {prefix + name: array for name, array in arrays.items()}


def take_prefix(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return those of the arrays that have something before their names, without it.

    >>> take_prefix("a.", add_prefix("a.", {"x": np.ones(1)}) | {"y": np.ones(1)})
    {'x': array([1.])}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


@contextmanager
def keep_rows(folder: Path | None) -> Iterator[KeptRows]:
    """Keep the rows of a computation, also of one that is stopped.

    Args:
        folder: Where; named after the :func:`fingerprint` of all that the rows depend on.
    """
    kept = KeptRows(folder)
    try:
        yield kept
    finally:
        kept.save()


def rows_in(folder: Path) -> int:
    """Return how many rows a folder keeps: those of the latest computation in it."""
    try:
        reached = {path.stat().st_mtime: path for path in folder.rglob(_REACHED)}
        return int(_unpacked(reached[max(reached)])[_DONE]) if reached else 0
    except (OSError, ValueError, LookupError, TypeError):
        return 0


def _blocks_up_to(folder: Path, done: int) -> Iterator[Arrays]:
    """Yield the blocks of so many rows.

    Raises:
        OSError, ValueError, TypeError: If they are not there, or do not fit together.
    """
    if done < 1:
        raise ValueError("there are no rows")
    first, kinds = 0, None
    while first < done:
        rows = _unpacked(folder / f"{first:012d}.npz")
        lengths = {len(array) for array in rows.values()}
        if len(lengths) != 1 or not 0 < max(lengths) <= done - first:
            raise ValueError("rows are missing")
        mine = {name: (array.shape[1:], array.dtype) for name, array in rows.items()}
        if kinds not in (None, mine):
            raise ValueError("rows are of several kinds")
        kinds = mine
        yield rows
        first += _length(rows)


def _packed(arrays: Arrays, more: Arrays | None = None) -> bytes:
    """Return the content of a file; names of arrays must not be those of numpy's arguments."""
    buffer = io.BytesIO()
    named: dict[str, Any] = add_prefix(_PREFIX, arrays)
    np.savez(buffer, **named, **dict[str, Any](more or {}))
    return buffer.getvalue()


def _unpacked(path: Path) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(_PREFIX): array for name, array in read_arrays(path).items()}


def _length(rows: Arrays) -> int:
    return len(next(iter(rows.values())))
