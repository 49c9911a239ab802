"""Read what ``torch.save`` wrote: tensors and plain values, within bounds, running nothing.

``torch.load(weights_only=True)`` calls no function that a file names.  It trusts the numbers in a
file all the same: packed members that unpack to a thousand times their size, and pickles as
:mod:`repro.data.opcodes` refuses them.
"""

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
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, path.stat().st_size)
            for name in archive.namelist():
                if name.endswith(".pkl"):
                    check_opcodes(archive.read(name), hashes=True)
    else:
        content, position = path.read_bytes(), 0
        for _ in range(_OLD_PICKLES):
            # What has fewer is none of torch's, as torch itself says.
            if position < len(content):
                position = check_opcodes(content, position, hashes=True)
    with warnings.catch_warnings():
        # Of unusual pickle protocols: the file is read, or refused by whoever asked.
        warnings.simplefilter("ignore", UserWarning)
        return torch.load(path, map_location="cpu", weights_only=True)
