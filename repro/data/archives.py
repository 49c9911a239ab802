"""Arrays in archives: what ``numpy.savez`` writes, and the members of torch's files.

Neither packs its members.  So none is larger than its archive, and what a member declares is
compared with what it has before room is made for it.
"""

import io
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.regular import read_limited

__all__ = ["check_archive", "read_array", "read_arrays"]

_LARGEST = 2**32
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile and numpy make of damaged bytes.
_DAMAGE = (
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file that ``numpy.savez`` wrote, by name.

    Raises:
        OSError: If there is no such file, or it is none.
        ValueError: If it is no such archive, is damaged, or holds Python objects.
    """
    data = read_limited(path, _LARGEST)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, len(data))
            return {
                name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
            }
    except _DAMAGE as error:
        raise ValueError(f"no archive of arrays ({error})") from error


def read_array(path: Path) -> NDArray[Any]:
    """Return the array of a file that ``numpy.save`` wrote.

    Raises:
        OSError: If there is no such file, or it is none.
        ValueError: If it is no such file, is damaged, or holds Python objects.
    """
    data = read_limited(path, _LARGEST)
    try:
        return _array(data)
    except _DAMAGE as error:
        raise ValueError(f"no array ({error})") from error


def check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Raise if an archive has packed members, or members that share their bytes.

    Args:
        archive: Open for reading.
        size: Bytes of the whole.

    Raises:
        ValueError: If it has.
    """
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("its members are packed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members have more bytes than it has")


def _array(member: bytes) -> NDArray[Any]:
    stream = io.BytesIO(member)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of headers that Python 2 has written
            shape, _, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # whatever numpy's parser of a Python dictionary raises
        raise ValueError("an array has no header") from error
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(member) - stream.tell():
        raise ValueError("an array has other bytes than it declares")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
