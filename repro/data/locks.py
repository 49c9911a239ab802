"""Keep other processes out of a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from repro.errors import BadInput

__all__ = ["alone"]


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock, and do not wait for another process that holds it.

    Args:
        path: The lock; its folder is made if need be.
        busy: What to say if another process holds it.

    Raises:
        BadInput: If another process holds it, or it cannot be written.
    """
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BadInput(busy) from None
    except OSError as error:
        reason = error.strerror or error
        raise BadInput(f"cannot write to {path.parent}: {reason}; choose another folder") from error
    try:
        yield
    finally:
        lock.release()
