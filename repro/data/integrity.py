"""Is this file the pinned one?  Verified once, then remembered in a stamp.

Hashing the data set takes seconds on each start, so a verified file gets a small
``.ok`` file beside it with its size, modification time and hash.  As long as
they agree with the file and the pin, the file is not read again.  For a file
without a pin the stamp is the pin: what was fetched first is what counts from
then on, also after it was removed.
"""

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path

from repro.data.atomic import write_atomically
from repro.data.completeness import check_whole
from repro.data.pins import MAGIC, Artifact
from repro.data.regular import read_json
from repro.errors import BadInput, IntegrityError

__all__ = ["hash_file", "is_stamped", "remembered", "stamp", "verify"]


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(path: Path, artifact: Artifact) -> None:
    """Compare a file with its pin, the cheap properties first.

    Without a pin, all that can be asked is whether the file is of its kind and whole.

    Raises:
        IntegrityError: If size, leading bytes or hash differ, or bytes are missing.
    """
    import pooch  # noqa: PLC0415  (slow to import, and a stamped file needs none of it)

    size = path.stat().st_size
    if artifact.pinned and size != artifact.size:
        raise IntegrityError(f"has {size} bytes where the pin says {artifact.size}")
    magic = MAGIC[artifact.kind]
    with path.open("rb") as file:
        head = file.read(16)
    if magic and not head.startswith(magic):
        raise IntegrityError(f"is no {artifact.kind} file, it begins with {head!r}")
    if not artifact.pinned:
        check_whole(path)
        return
    algorithm, _, expected = artifact.checksum.partition(":")
    got = pooch.file_hash(str(path), alg=algorithm)
    if got != expected:
        raise IntegrityError(f"has {algorithm} {got} where the pin says {expected}")


def is_stamped(path: Path, artifact: Artifact) -> bool:
    """Whether the file was verified against this very pin and not touched since."""
    if not artifact.pinned:
        return False
    try:
        stamped = read_json(_stamp_of(path))
        return bool(stamped == _facts(path, artifact))
    except (OSError, ValueError):
        return False


def remembered(path: Path, artifact: Artifact) -> Artifact:
    """Return a file without a pin with that of its stamp, if it has one."""
    try:
        stamped = read_json(_stamp_of(path))
        size, (kind, _, value) = int(stamped["size"]), stamped["checksum"].partition(":")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return artifact
    if artifact.pinned or kind != "sha256":
        return artifact
    return dataclasses.replace(artifact, size=size, sha256=value)


def stamp(path: Path, artifact: Artifact) -> None:
    """Remember that the file was verified, and without a pin what it is.

    A cache that cannot be written loses nothing but time: the file is verified
    again on the next use.
    """
    with contextlib.suppress(OSError, BadInput):
        write_atomically(_stamp_of(path), json.dumps(_facts(path, artifact)).encode())


def _stamp_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.ok")


def _facts(path: Path, artifact: Artifact) -> dict[str, str | int]:
    status = path.stat()
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "checksum": artifact.checksum or f"sha256:{hash_file(path)}",
    }
