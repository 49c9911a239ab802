"""What the machine refuses, in words: errors of the system that are no bugs of the package."""

import errno
from pathlib import Path

from repro.data.atomic import FULL

__all__ = ["in_words"]

_ADVICE = {
    **dict.fromkeys(FULL, "make room"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you can read and write"
    ),
    errno.EIO: "check the disk",
    errno.ESTALE: "check the network file system",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "give it more memory, or fewer jets",
    errno.EAGAIN: "allow more processes (ulimit -u)",
}
_NO_PLACE = "No usable temporary directory"


def in_words(error: OSError | MemoryError) -> str | None:
    """Return one line that says what is wrong and what to do; None for what is a bug.

    >>> in_words(OSError(errno.EROFS, "Read-only file system", "/a/b"))
    '/a/b: Read-only file system: choose a place that you can read and write'
    """
    if isinstance(error, MemoryError):
        return "not enough memory: give it more, or fewer jets"
    if isinstance(error, FileNotFoundError) and _NO_PLACE in str(error.strerror):
        return "no folder for temporary files: set TMPDIR to one that can be written, with room"
    if isinstance(error, FileNotFoundError) and not error.filename and _is_adrift():
        return "the working directory is not there any more: change to another"
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}: {advice}"


def _is_adrift() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False
