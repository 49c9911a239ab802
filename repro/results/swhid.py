"""Software Heritage identifiers: of contents, and of the checkout that the package runs from.

They are computed from the object itself, as git's names are, so anyone can check them and an
archive can be asked for the object by them.

Source: ISO/IEC 18670:2025, SWHID specification 1.2.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["swhid_of_bytes", "swhid_of_commit", "swhid_of_file"]

_CHUNK = 2**20


def swhid_of_bytes(content: bytes) -> str:
    """Return the identifier of a content.

    >>> swhid_of_bytes(b"")
    'swh:1:cnt:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return f"swh:1:cnt:{_sha1(len(content), [content])}"


def swhid_of_file(path: Path) -> str:
    """Return the identifier of what is in a file.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        parts = iter(lambda: file.read(_CHUNK), b"")
        return f"swh:1:cnt:{_sha1(path.stat().st_size, parts)}"


def swhid_of_commit(commit: str | None) -> str | None:
    """Return the identifier of a commit; None if files differ from it, or there is none.

    >>> swhid_of_commit("94a9ed024d3859793618152ea559a168bbcbb5e2")
    'swh:1:rev:94a9ed024d3859793618152ea559a168bbcbb5e2'
    >>> swhid_of_commit("94a9ed024d3859793618152ea559a168bbcbb5e2-dirty")
    """
    return None if commit is None or commit.endswith("-dirty") else f"swh:1:rev:{commit}"


def _sha1(size: int, parts: Iterable[bytes]) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
