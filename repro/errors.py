"""Errors that a user can act on.

Every error that can reach a user is a :class:`ReproError`; its message is one
line that says what is wrong and what to do.  The command line prints it and
exits with 2; nothing else is caught there, so a traceback is always a bug.
"""

__all__ = [
    "BadInput",
    "DownloadFailed",
    "IntegrityError",
    "MissingData",
    "NotAvailable",
    "ReproError",
    "UnknownName",
]


class ReproError(Exception):
    """Base of all errors with a message for the user."""


class UnknownName(ReproError):
    """An id, label, model or variant that the package does not know."""


class BadInput(ReproError):
    """A file or array that cannot be used: truncated, wrong shape, NaN."""


class MissingData(ReproError):
    """Data that is needed and is not at hand."""


class DownloadFailed(ReproError):
    """No source delivered the file."""


class IntegrityError(ReproError):
    """A file whose size, hash or leading bytes differ from its pin."""


class NotAvailable(ReproError):
    """Something the catalogue lists and this version cannot compute, or a missing extra."""
