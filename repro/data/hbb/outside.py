"""What tells a file of record 12102 from other files, without reading its jets."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import h5py

from repro.data._pytables import KEY
from repro.data.hbb.branches import find_group
from repro.data.hbb.measured_file import ROOT
from repro.data.hdf5 import refuse_links
from repro.data.hdf5_heaps import check_heaps
from repro.data.pins import MAGIC
from repro.errors import BadInput

__all__ = ["PROCESSED", "has_any", "is_record_file", "record_files_named"]

PROCESSED = (
    "target_subgroup",
    "spectator_subgroup",
    "training_subgroup",
    "testing_subgroup",
)
"""A processed file has any of them: what it lacks, its reader says."""

_LATER_VERSION = 10**7
_TWIN = (*find_group("flags").branches, *find_group("tracks").branches)


def is_record_file(path: str | PathLike[str]) -> bool:
    """Whether a file on disk is of the record, going by its outside, whole or not."""
    file = Path(path)
    try:
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            head = stream.read(64)
    except (OSError, ValueError):
        return False
    if head.startswith(MAGIC["root"]):
        # A version follows, which in a text that begins so would be of ten digits.
        return int.from_bytes(head[4:8], "big") < _LATER_VERSION
    if not head.startswith(MAGIC["hdf5"]) or has_any(file, KEY):
        return False
    return has_any(file, *_TWIN, *PROCESSED, ROOT)


@contextmanager
def record_files_named(path: Path) -> Iterator[None]:
    """Say so if what cannot be opened as jets with constituents is a file of the record."""
    try:
        yield
    except BadInput as error:
        if is_record_file(path):
            raise BadInput(
                f"{path} has the tracks and vertices of record 12102, not jets with constituents: "
                "take the model in or an item of hbb, or give another file"
            ) from error
        raise


def has_any(file: object, *names: str) -> bool:
    """Whether an HDF5 file, given by its path or open for reading bytes, has any of these."""
    try:
        if isinstance(file, str | PathLike):
            check_heaps(file)
        with h5py.File(file, "r") as opened:
            refuse_links(file, opened)
            return any(name in opened for name in names)
    except (BadInput, OSError, RuntimeError):
        return False  # the reader says what is wrong
