"""Where computations that take long leave what they did, should they be stopped.

What is kept goes when the result that follows from it is written, and not before: a run that is
stopped between the two, or that cannot write, computes nothing twice.
"""

import functools
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from repro import __version__
from repro.data.kept_rows import KeptRows, fingerprint, keep_rows, rows_in
from repro.models.tagger import Tagger

if TYPE_CHECKING:
    from repro.figures.context import Context

__all__ = ["StoppedRuns", "key_of_item", "key_of_record"]

_LOG = logging.getLogger(__name__)

_SECONDS_KEPT = 30 * 24 * 3600


class StoppedRuns:
    """The folders of what runs keep, one for each computation.

    Args:
        cache: The folder that they are in; None if there is none, and nothing is kept.
    """

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._used: dict[Path, None] = {}
        self._blocks = 0
        self._told: BaseException | None = None

    @functools.cached_property
    def place(self) -> Path | None:
        """Where the folders are; None if nothing is kept.

        What lies there for a month goes: another version of the package, or of its jets, would
        never take it up.
        """
        if self._cache is None:
            return None
        place = self._cache / "stopped"
        _remove_old(place, time.time() - _SECONDS_KEPT)
        return place

    @contextmanager
    def until_written(self) -> Iterator[None]:
        """Keep what is computed within this block, and within blocks around it, until they end.

        What a block that is stopped computed stays, also if a block around it goes on; it says how
        much that is.
        """
        before = set(self._used)
        self._blocks += 1
        try:
            yield
        except BaseException as error:
            mine = [folder for folder in self._used if folder not in before]
            self._tell(mine, error)
            for folder in mine:
                del self._used[folder]
            raise
        finally:
            self._blocks -= 1
        if not self._blocks:
            self._forget()

    @contextmanager
    def folder(self, key: str) -> Iterator[Path | None]:
        """Give a folder for what several computations leave, which find their own in it.

        Args:
            key: Names it.
        """
        with self.until_written():
            yield self._use(key)

    @contextmanager
    def rows(self, key: str) -> Iterator[KeptRows]:
        """Keep the rows of a computation.

        Args:
            key: The :func:`repro.data.kept_rows.fingerprint` of all that they depend on.
        """
        with self.until_written(), keep_rows(self._use(key)) as kept:
            yield kept

    def _use(self, key: str) -> Path | None:
        if self.place is None:
            return None
        folder = self.place / key
        self._used.pop(folder, None)
        self._used[folder] = None  # the latest is the last
        return folder

    def _tell(self, folders: Sequence[Path], error: BaseException) -> None:
        """Say once how far the latest of the computations came; nothing if there were none."""
        if not folders or self._told is error:
            return
        self._told = error
        done = rows_in(folders[-1])
        if done:
            _LOG.warning("%d jets are kept: run it again to go on", done)
        elif isinstance(error, KeyboardInterrupt):
            _LOG.warning("no jets are kept yet: run again, it begins anew")

    def _forget(self) -> None:
        for folder in self._used:
            shutil.rmtree(folder, ignore_errors=True)
        self._used.clear()
        self._told = None  # it holds what was on the stack


def key_of_item(context: "Context", name: str) -> str:
    """Return a key for computations of an item that name what they depend on themselves.

    Args:
        context: Of whose settings runs with others have folders of their own.
        name: Of the item.
    """
    settings = {**vars(context.settings), "quiet": None}
    return fingerprint([], name, sorted(settings.items()))


def key_of_record(context: "Context", taggers: Iterable[Tagger], *settings: object) -> str:
    """Return a key for rows that some networks make of the jets of ``hbb``.

    Args:
        context: Gives the jets.
        taggers: The networks.
        settings: All else that the rows depend on.
    """
    record = context.record
    networks = [(tagger.card.name, *(file.sha256 for file in tagger.weights)) for tagger in taggers]
    jets = (sorted(record.block.items(), key=str), record.limit)
    return fingerprint([], __version__, jets, networks, context.device, *settings)


def _remove_old(folder: Path, before: float) -> None:
    """Remove the folders in a folder in which nothing was written since."""
    with suppress(OSError):
        for place in sorted(folder.iterdir()):
            # Another process may be removing the same.
            with suppress(OSError):
                newest = max(path.lstat().st_mtime for path in (place, *place.rglob("*")))
                if newest < before:
                    shutil.rmtree(place, ignore_errors=True)
