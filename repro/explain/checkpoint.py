"""Rows of a long computation, kept on disk so that a stopped run goes on where it stopped."""

import contextlib
import hashlib
import io
import logging
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.data.atomic import write_atomically
from repro.errors import BadInput

__all__ = ["Checkpoint", "fingerprint"]

_LOG = logging.getLogger(__name__)

_SECONDS_BETWEEN_SAVES = 20.0


def fingerprint(arrays: Iterable[NDArray[np.generic]], *settings: object) -> str:
    """Return a hash of everything that the rows depend on.

    >>> fingerprint([np.zeros(2)], "aic") == fingerprint([np.zeros(2)], "bic")
    False
    """
    digest = hashlib.sha256(repr(settings).encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class Checkpoint:
    """The rows that are done.

    Args:
        folder: Where the file lies; ``None`` keeps nothing.
        key: From :func:`fingerprint`; names the file, so that other inputs never meet it.
        shape: Shape of all rows together.
    """

    def __init__(self, folder: Path | None, key: str, shape: tuple[int, ...]) -> None:
        self._path = folder / f"{key}.npz" if folder else None
        self.rows = np.zeros(shape)
        self.done = 0
        self._saved = time.monotonic()
        if self._path and self._path.is_file():
            self._read(self._path)

    def add(self, row: NDArray[np.floating]) -> None:
        """Keep the next row; write all of them once in a while."""
        self.rows[self.done] = row
        self.done += 1
        if time.monotonic() - self._saved > _SECONDS_BETWEEN_SAVES:
            self.save()

    def interrupted(self) -> None:
        """Write the rows that are done, and say so."""
        self.save()
        if self._path and self.done:
            _LOG.warning("%d of %d jets are kept: run it again to go on", self.done, len(self.rows))

    def save(self) -> None:
        """Write the rows that are done."""
        if self._path and self.done:
            buffer = io.BytesIO()
            np.savez(buffer, rows=self.rows[: self.done])
            try:
                write_atomically(self._path, buffer.getvalue())
            except BadInput as error:
                _LOG.warning("%s: going on, and nothing is kept if this run is stopped", error)
                self._path = None
            self._saved = time.monotonic()

    def clear(self) -> None:
        """Forget the rows: the computation is complete."""
        if self._path:
            # What stays in a cache that has become read-only is not looked at again but by the
            # same computation.
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _read(self, path: Path) -> None:
        try:
            # From memory: numpy leaves a damaged archive open.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
                rows = kept["rows"]
            self.rows[: len(rows)] = rows
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            _LOG.warning("%s is damaged: starting anew", path)
            return
        self.done = len(rows)
        _LOG.warning("going on after the %d of %d jets of a stopped run", self.done, len(self.rows))
