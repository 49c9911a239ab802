"""Ends of commands that other programs ask for: batch systems and ``timeout`` send SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["Terminated", "termination_raised"]


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what Ctrl-C keeps is kept then, too."""


@contextmanager
def termination_raised() -> Iterator[None]:
    """Raise :class:`Terminated` where the program is when SIGTERM comes, unless it is ignored."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(_number: int, _frame: object) -> NoReturn:
    raise Terminated
