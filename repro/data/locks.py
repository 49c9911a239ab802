"""Keep other processes out of a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from repro.data.refusals import advice_on
from repro.errors import BadInput

__all__ = ["alone"]


@contextlib.contextmanager
def alone(path: Path, busy: str, *, leave: bool = True) -> Iterator[None]:
    """Hold a lock, and do not wait for another process that holds it.

    Args:
        path: The lock; its folder is made if need be.
        busy: What to say if another process holds it.
        leave: Whether the file of the lock may stay; if not, its folder goes with it if it was made
            for it and nothing else is in it.

    Raises:
        BadInput: If another process holds it, or it cannot be written.
    """
    lock = filelock.FileLock(path)
    made = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BadInput(busy) from None
    except OSError as error:
        reason = error.strerror or error
        raise BadInput(f"cannot write to {path.parent}: {reason}; {advice_on(error)}") from error
    try:
        yield
    finally:
        if not leave:
            with contextlib.suppress(OSError):
                path.unlink()  # while it is held: nobody waits for it
        lock.release()
        if made and not leave:
            with contextlib.suppress(OSError):
                path.parent.rmdir()
