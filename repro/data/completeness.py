"""Is a file whole?  ROOT and HDF5 files say themselves where they end."""

import struct
from pathlib import Path

from repro.errors import IntegrityError

__all__ = ["check_whole"]

_LARGE = 1_000_000  # added to the version of ROOT files whose places take eight bytes
_HDF5 = b"\x89HDF\r\n\x1a\n"


def check_whole(path: Path) -> None:
    """Raise if a ROOT or HDF5 file is shorter than its header says; nothing is known of others.

    Sources: ROOT's ``TFile`` (the word ``fEND``), the HDF5 file format specification, section
    on superblocks (end of file address).

    Raises:
        IntegrityError: If bytes are missing.
    """
    with path.open("rb") as file:
        head = file.read(64)
    end = _end_of_root(head) if head.startswith(b"root") else _end_of_hdf5(head)
    size = path.stat().st_size
    if end is not None and size < end:
        raise IntegrityError(f"is truncated: it has {size} of {end} bytes")


def _end_of_root(head: bytes) -> int:
    """Return where a ROOT file ends; more than it has if the header itself is cut.

    >>> _end_of_root(b"root" + struct.pack(">iiii", 62400, 100, 5000, 0))
    5000
    """
    if len(head) < 20:
        return 20
    (version,) = struct.unpack_from(">i", head, 4)
    (end,) = struct.unpack_from(">q" if version >= _LARGE else ">i", head, 12)
    return int(end)


def _end_of_hdf5(head: bytes) -> int | None:
    """Return where an HDF5 file ends; None if it is none, or a kind without the usual widths."""
    if not head.startswith(_HDF5):
        return None
    if len(head) < 48:
        return 48
    version = head[8]
    widths, place = (head[13], 40 + 4 * (version == 1)) if version < 2 else (head[9], 28)
    return int(struct.unpack_from("<Q", head, place)[0]) if widths == 8 else None
