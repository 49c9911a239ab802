"""Read what ``torch.save`` wrote: tensors and plain values, within bounds, running nothing.

``torch.load(weights_only=True)`` calls no function that a file names.  It trusts the numbers in a
file all the same: packed members that unpack to a thousand times their size, and pickles as
:mod:`repro.data.opcodes` refuses them.

Looking a file over helps only if torch then reads what was looked at.  It tells archives by their
beginning, finds the directory of one elsewhere than Python's ``zipfile`` does, and names in it
whatever their case.
"""

import io
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from repro.data.archives import check_archive
from repro.data.opcodes import check_opcodes
from repro.data.regular import check_regular

__all__ = ["UNREADABLE", "load_torch"]

UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    NotImplementedError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)
"""What torch's unpickler raises on damaged files, found by changing bytes."""

_MEMBER = b"PK\x03\x04"  # what torch knows an archive by
_OLD_PICKLES = 5  # magic, protocol, system, content, keys; raw bytes follow


def load_torch(path: Path) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a file holds, on the processor.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is a folder, a pipe or a device.
        pickle.UnpicklingError: If it holds anything but tensors and plain values.
        Exception: Others of :data:`UNREADABLE`, if it is damaged.
    """
    check_regular(path)
    source: Path | io.BytesIO = path
    if _is_archive(path):
        source = _looked_over(path)
    else:
        content, position = path.read_bytes(), 0
        for _ in range(_OLD_PICKLES):
            # What has fewer is none of torch's, as torch itself says.
            if position < len(content):
                position = check_opcodes(content, position, hashes=True)
    with warnings.catch_warnings():
        # Of unusual pickle protocols: the file is read, or refused by whoever asked.
        warnings.simplefilter("ignore", UserWarning)
        return torch.load(source, map_location="cpu", weights_only=True)


def _is_archive(path: Path) -> bool:
    """Whether torch reads a file as an archive.

    Raises:
        OSError: If it cannot be read.
        ValueError: If Python's ``zipfile``, which goes by the end of a file, says otherwise.
    """
    with path.open("rb") as stream:
        begins = stream.read(len(_MEMBER)) == _MEMBER
    if begins != zipfile.is_zipfile(path):
        raise ValueError(
            "an archive without its end" if begins else "something else before an archive"
        )
    return begins


def _looked_over(path: Path) -> io.BytesIO:
    """Return an archive with the same members, once they have been looked over.

    It has one directory, which leads torch to the members that were looked at and to no others.

    Raises:
        zipfile.BadZipFile: If it is damaged.
        ValueError: If members are packed or have one name, or a pickle is refused.
    """
    again = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(again, "w") as copy:
        check_archive(archive, path.stat().st_size)
        names = [name.lower() for name in archive.namelist()]
        if len(set(names)) < len(names):
            raise ValueError("members of one name")
        for name in archive.namelist():
            member = archive.read(name)
            if name.lower().endswith(".pkl"):
                check_opcodes(member, hashes=True)
            copy.writestr(zipfile.ZipInfo(name), member)
    again.seek(0)
    return again
