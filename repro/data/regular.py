"""Read small files that somebody else wrote, whole and within bounds.

What waits for a writer (a pipe) or never ends (a device) is refused before it is opened, as are
files that are larger than anything of their kind.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.errors import BadInput, MissingData

__all__ = ["check_regular", "parse_json", "read_json", "read_limited"]

_LARGEST_JSON = 2**26
_DEEPEST = 64


def check_regular(path: Path) -> None:
    """Raise unless this is a file.

    Raises:
        MissingData: If there is nothing.
        BadInput: If it is a folder, a pipe, a socket or a device, or cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingData(f"{path} is not there: check the path or fetch the file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read ({reason}): check the path") from error
    if stat.S_ISDIR(mode):
        raise BadInput(f"{path} is a folder: give a file in it")
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path} is a pipe or a device: give a file")


def read_limited(path: Path, largest: int) -> bytes:
    """Return the bytes of a file.

    Args:
        path: The file.
        largest: How many bytes are admitted.

    Raises:
        OSError: If it is not there, cannot be read, is no file, or is too large.
    """
    # What is no file is found out without waiting for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - of a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        if status.st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", str(path))
        return stream.read(largest)


def read_json(path: Path, largest: int = _LARGEST_JSON) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a file of JSON holds.

    Raises:
        OSError: As :func:`read_limited` does.
        ValueError: If it is no JSON, or as :func:`parse_json` says.
    """
    return parse_json(read_limited(path, largest).decode("utf-8"))


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a text of JSON holds.

    Raises:
        ValueError: If it is no JSON, is nested more than 64 deep, or has half of a character.

    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    ValueError: it is nested too deeply
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    for string in _strings(document):
        string.encode()  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
    return document


def _strings(document: object) -> Iterator[str]:
    """Yield all texts of a document, level by level."""
    level = [document]
    for _ in range(_DEEPEST + 1):
        below: list[object] = []
        for entry in level:
            if isinstance(entry, str):
                yield entry
            elif isinstance(entry, dict):
                yield from entry
                below.extend(entry.values())
            elif isinstance(entry, list):
                below.extend(entry)
        level = below
    if level:
        raise ValueError("it is nested too deeply")
