"""Write files whole or not at all.

A file is written under a hidden name beside its own and then renamed.  A process that is killed
leaves the hidden file; whoever writes the same file next removes it.  That it is left, and not
being written, is known by its lock, which the system takes from a process that ends.
"""

import contextlib
import errno
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from repro.data.refusals import advice_on
from repro.errors import BadInput

try:
    import fcntl
except ImportError:  # Windows
    _LOCKS = False
else:
    _LOCKS = True

__all__ = ["check_writable", "replacing", "write_atomically"]

_TOKEN_BYTES = 4


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then move it into place.

    Raises:
        BadInput: If it cannot be written; nothing is left behind.
    """
    with replacing(path) as stream:
        stream.write(content)


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before what is to be in it is computed.

    Nothing is made, and what is there stays.

    Raises:
        BadInput: If it is a folder, or the nearest folder that is there takes no file.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = next(
            place for place in path.absolute().parents if place.exists() or place.is_symlink()
        )
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refusal(path, error) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give an empty file in the same folder; rename it to ``path`` if all goes well.

    Raises:
        BadInput: If it cannot be written; nothing is left behind.
    """
    stream: BinaryIO | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path)
        stream = _create(path)
        yield stream
        stream.flush()
        _to_disk(stream)
        temporary = Path(stream.name)
        temporary.chmod(0o644)
        if not _LOCKS:
            stream.close()  # Windows does not rename what is open
        temporary.replace(path)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        if stream is not None:
            # What could not be written is not written when the file is closed, either.
            with contextlib.suppress(OSError):
                stream.close()
            with contextlib.suppress(OSError):
                Path(stream.name).unlink(missing_ok=True)


def _refusal(path: Path, error: OSError) -> BadInput:
    return BadInput(f"cannot write {path}: {error.strerror or error}; {advice_on(error)}")


def _to_disk(stream: BinaryIO) -> None:
    """Wait until the content is on the disk: a new name must not outlive a crash without it."""
    try:
        os.fsync(stream.fileno())
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of file systems that cannot
            raise


def _create(path: Path) -> BinaryIO:
    """Create a file beside the path, and hold its lock where there are locks."""
    while True:
        token = secrets.token_hex(_TOKEN_BYTES)
        stream = path.with_name(f".{path.name}.{token}").open("x+b")
        if not _LOCKS:
            return stream
        with contextlib.suppress(OSError):  # some network file systems have none
            fcntl.flock(stream, fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()  # removed as left before it was locked


def _remove_left(path: Path) -> None:
    """Remove what killed processes left of the same file."""
    if not _LOCKS:
        return
    left = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}")
    with os.scandir(path.parent) as entries:
        found = [Path(entry.path) for entry in entries if left.fullmatch(entry.name)]
    for other in found:
        with contextlib.suppress(OSError), other.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            other.unlink()
