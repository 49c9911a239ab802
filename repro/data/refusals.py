"""What to do about what the machine refuses: one advice for each error of the system."""

import errno

__all__ = ["FULL", "advice_on", "is_known"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Numbers of the errors of a place without room."""

_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_ADVICE = {
    errno.EIO: "check the disk",
    errno.ESTALE: "check the network file system",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "make more memory free, or give fewer jets",
    errno.EAGAIN: "try again, or allow more processes (ulimit -u)",
}


def is_known(error: OSError) -> bool:
    """Whether the machine refused something, and its user can do something about it.

    >>> is_known(OSError(errno.EROFS, "Read-only file system"))
    True
    >>> is_known(OSError(errno.EBADF, "Bad file descriptor"))
    False
    """
    return error.errno in FULL | _REFUSED | _ADVICE.keys()


def advice_on(error: OSError, elsewhere: str | None = "choose another folder") -> str:
    """Return what to do.

    Args:
        error: What was refused.
        elsewhere: How to take another place; None where there is no other.

    >>> advice_on(OSError(errno.ENOSPC, "No space left on device"))
    'make room, or choose another folder'
    >>> advice_on(OSError(errno.EMFILE, "Too many open files"))
    'allow more open files (ulimit -n)'
    """
    if error.errno in FULL:
        return f"make room, or {elsewhere}" if elsewhere else "make room"
    return _ADVICE.get(error.errno or 0, elsewhere or "look at the system")
