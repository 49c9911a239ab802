"""Errors that a user can act on.

Every error that can reach a user is a :class:`ReproError`; its message is one
line that says what is wrong and what to do.  The command line prints it and
exits with 2; nothing else is caught there, so a traceback is always a bug.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "BadInput",
    "DownloadFailed",
    "IntegrityError",
    "MissingData",
    "NotAvailable",
    "ReproError",
    "UnknownName",
    "did_you_mean",
]

_LONGEST = 2000
_CLOSE = 0.6


class ReproError(Exception):
    r"""Base of all errors with a message for the user.

    >>> print(BadInput("a name from a file: 'x\n\x1b[2J'"))
    a name from a file: 'x\n\x1b[2J'
    """

    def __str__(self) -> str:
        """Return the message in one line: names in it may come from a file that does harm."""
        text = super().__str__()
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}…"
        return "".join(map(_shown, text))


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


def _shown(character: str) -> str:
    """Return a character, or its number if it would move the cursor or end the line."""
    return character if character.isprintable() else ascii(character)[1:-1]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at what is spelt nearest to a name, to stand behind it; empty if nothing is.

    Of names with a paper in front, all that end in the given name, as one paper is as likely as
    the other.

    >>> did_you_mean("oclusion", ["lrp", "occlusion"])
    ' (did you mean occlusion?)'
    >>> did_you_mean("x", ["lrp", "occlusion"])
    ''
    >>> did_you_mean("fig5", ["toptag/fig4", "toptag/fig5", "hbb/fig5", "hbb/figK5"])
    ' (did you mean toptag/fig5 or hbb/fig5?)'
    """
    folded = {entry.casefold(): entry for entry in known}
    wanted = name.casefold()
    close = [entry for entry in folded if entry.endswith(f"/{wanted}")]
    close = close or difflib.get_close_matches(wanted, folded, n=3, cutoff=_CLOSE)
    return f" (did you mean {' or '.join(folded[entry] for entry in close)}?)" if close else ""
