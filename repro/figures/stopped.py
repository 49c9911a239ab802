"""Where computations that take long leave what they did, should they be stopped."""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from repro import __version__
from repro.data.kept_rows import fingerprint
from repro.figures.context import Context
from repro.models.tagger import Tagger

__all__ = ["kept_until_done", "record_folder", "stopped_folder"]


_SECONDS_KEPT = 30 * 24 * 3600


def stopped_folder(context: Context) -> Path | None:
    """Return the folder, in the cache, for what stopped runs leave; None if there is no cache.

    What lies there for a month goes: another version of the package, or of its jets, would never
    take it up.
    """
    if context.spool is None:
        return None
    folder = context.spool / "stopped"
    _remove_old(folder, time.time() - _SECONDS_KEPT)
    return folder


def _remove_old(folder: Path, before: float) -> None:
    """Remove the folders in a folder in which nothing was written since."""
    with suppress(OSError):
        for place in sorted(folder.iterdir()):
            # Another process may be removing the same.
            with suppress(OSError):
                newest = max(path.lstat().st_mtime for path in (place, *place.rglob("*")))
                if newest < before:
                    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def kept_until_done(context: Context, name: str) -> Iterator[Path | None]:
    """Give a folder for what several computations of an item leave; it goes when all are done.

    Args:
        context: Has the cache, or none.
        name: Of the item, without ``/``.
    """
    folder = stopped_folder(context)
    place = folder / name if folder else None
    yield place
    if place:
        shutil.rmtree(place, ignore_errors=True)


def record_folder(context: Context, taggers: Iterable[Tagger], *settings: object) -> Path | None:
    """Return a folder for rows that some networks make of the jets of ``hbb``, if any can be kept.

    Args:
        context: Gives the jets.
        taggers: The networks.
        settings: All else that the rows depend on.
    """
    folder, record = stopped_folder(context), context.record
    if folder is None:
        return None
    networks = [(tagger.card.name, *(file.sha256 for file in tagger.weights)) for tagger in taggers]
    jets = (sorted(record.block.items(), key=str), record.limit)
    key = fingerprint([], __version__, jets, networks, context.device, *settings)
    return folder / key
