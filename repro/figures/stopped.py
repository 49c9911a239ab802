"""Where computations that take long leave what they did, should they be stopped."""

from collections.abc import Iterable
from pathlib import Path

from repro import __version__
from repro.data.kept_rows import fingerprint
from repro.figures.context import Context
from repro.models.tagger import Tagger

__all__ = ["record_folder", "stopped_folder"]


def stopped_folder(context: Context) -> Path:
    """Return the folder, in the cache, for what stopped runs leave."""
    return context.store.directory / "stopped"


def record_folder(context: Context, taggers: Iterable[Tagger], *settings: object) -> Path:
    """Return a folder for rows that some networks make of the jets of ``hbb``.

    Args:
        context: Gives the jets.
        taggers: The networks.
        settings: All else that the rows depend on.
    """
    record = context.record
    networks = [(tagger.card.name, *(file.sha256 for file in tagger.weights)) for tagger in taggers]
    jets = (sorted(record.block.items(), key=str), record.limit)
    key = fingerprint([], __version__, jets, networks, context.device, *settings)
    return stopped_folder(context) / key
