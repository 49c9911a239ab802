"""Progress on stderr: a bar on a terminal, and in a log a line a minute."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["make_bar"]

_SECONDS_BETWEEN_LINES = 60.0


class _Lines:
    r"""A stream in which each state of a bar is a line of its own.

    >>> lines = _Lines(sys.stdout)
    >>> for state in ("\rjets:  20%", "\rjets:  40%", "\r          \r"):
    ...     _ = lines.write(state)
    jets:  20%
    jets:  40%
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        shown = text.replace("\r", "").strip()
        if shown:
            self._stream.write(f"{shown}\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def make_bar(
    steps: Iterable[Any] | None = None, *, label: str, hidden: bool, **settings: Any
) -> "tqdm[Any]":
    """Return a bar that steps move, or its ``update``; it goes at the end.

    What takes less than a minute leaves no line in a log.

    Args:
        steps: Are passed on one by one; None if ``update`` is called.
        label: Stands before the bar.
        hidden: Whether to show nothing.
        settings: As :class:`tqdm.tqdm` takes them: ``total``, ``initial``, ``unit``, ….
    """
    from tqdm import tqdm  # noqa: PLC0415 - slow

    where: dict[str, Any] = {"file": sys.stderr}
    if not hidden and not sys.stderr.isatty():
        seconds = _SECONDS_BETWEEN_LINES
        # In a log no bar stands below another one, for which the cursor would be moved.
        where = {"file": _Lines(sys.stderr), "ascii": True, "ncols": 80, "position": 0}
        where |= {"delay": seconds, "mininterval": seconds, "maxinterval": seconds}
    return tqdm(steps, desc=label, disable=hidden, leave=False, **where, **settings)
