"""What the machine refuses, in words: errors of the system that are no bugs of the package."""

from pathlib import Path

from repro.data.refusals import advice_on, is_known

__all__ = ["in_words"]

_ELSEWHERE = "choose a place that you can read and write"
_NO_PLACE = "No usable temporary directory"


def in_words(error: OSError | MemoryError) -> str | None:
    """Return one line that says what is wrong and what to do; None for what is a bug.

    >>> import errno
    >>> in_words(OSError(errno.EROFS, "Read-only file system", "/a/b"))
    '/a/b: Read-only file system: choose a place that you can read and write'
    """
    if isinstance(error, MemoryError):
        return "not enough memory: make more free, or give fewer jets"
    if isinstance(error, FileNotFoundError) and _NO_PLACE in str(error.strerror):
        return "no folder for temporary files: set TMPDIR to one that can be written, with room"
    if isinstance(error, FileNotFoundError) and not error.filename and _is_adrift():
        return "the working directory is not there any more: change to another"
    if not is_known(error):
        return None
    if not error.filename:
        return f"{error.strerror or error}: {advice_on(error, None)}"
    return f"{error.filename}: {error.strerror or error}: {advice_on(error, _ELSEWHERE)}"


def _is_adrift() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False
