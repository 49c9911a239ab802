"""Is a file whole?  ROOT and HDF5 files say themselves where they end."""

import struct
from pathlib import Path

from repro.data.pins import MAGIC
from repro.errors import IntegrityError

__all__ = ["check_whole", "is_web_page"]

_LARGE = 1_000_000  # added to the version of ROOT files whose places take eight bytes


def check_whole(path: Path) -> None:
    """Raise if a ROOT or HDF5 file is shorter than its header says; nothing is known of others.

    Sources: ROOT's ``TFile`` (the word ``fEND``), the HDF5 file format specification, section
    on superblocks (end of file address).

    Raises:
        IntegrityError: If bytes are missing.
    """
    with path.open("rb") as file:
        head = file.read(64)
    end = _end_of_root(head) if head.startswith(MAGIC["root"]) else _end_of_hdf5(head)
    size = path.stat().st_size
    if end is not None and size < end:
        raise IntegrityError(f"is truncated: it has {size} of {end} bytes")


def is_web_page(head: bytes) -> bool:
    """Return whether a file that begins like this is a page, such as servers send for errors.

    >>> is_web_page(b" <!DOCTYPE html>"), is_web_page(b"root")
    (True, False)
    """
    return head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


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
    if not head.startswith(MAGIC["hdf5"]):
        return None
    if len(head) < 48:
        return 48
    version = head[8]
    widths, place = (head[13], 40 + 4 * (version == 1)) if version < 2 else (head[9], 28)
    return int(struct.unpack_from("<Q", head, place)[0]) if widths == 8 else None
