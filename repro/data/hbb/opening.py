"""Open a file of record 12102, whatever its format."""

from contextlib import ExitStack
from os import PathLike
from pathlib import Path

import h5py

from repro.data.completeness import is_web_page
from repro.data.hbb.branches import find_group
from repro.data.hbb.extras import load_uproot
from repro.data.hbb.measured_file import ROOT, MeasuredTable
from repro.data.hbb.ntuples import RootTable
from repro.data.hbb.processed import ProcessedTable
from repro.data.hbb.streaming import STORAGE, is_address, open_address, reading
from repro.data.hbb.table import RecordTable
from repro.data.hbb.twins import TwinTable
from repro.data.hdf5 import refuse_links
from repro.data.hdf5_heaps import check_heaps
from repro.data.pins import MAGIC
from repro.data.regular import check_regular
from repro.errors import BadInput

__all__ = ["is_record_file", "open_table"]

# Any of them: what a processed file lacks, its reader says.
_PROCESSED = (
    "target_subgroup",
    "spectator_subgroup",
    "training_subgroup",
    "testing_subgroup",
)
_TWIN = (*find_group("flags").branches, *find_group("tracks").branches)


def open_table(path: str | PathLike[str]) -> RecordTable:
    """Open a ROOT file, an HDF5 twin or a processed file, told apart by what is in it.

    Args:
        path: A path, or an address that begins with ``https://``: then only the jets that are
            asked for are transferred.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is a folder or another kind of file, or not as it should be.
        DownloadFailed: If the network fails.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """
    if is_address(path):
        return _open_remote(str(path))
    file = Path(path)
    check_regular(file)
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}): check the path") from error
    return _kind(str(file), head, file).open(file)


def is_record_file(path: str | PathLike[str]) -> bool:
    """Whether a file on disk is of the record, going by its outside, whole or not."""
    file = Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        head = stream.read(64)
    if head.startswith(MAGIC["root"]):
        return True
    return head.startswith(MAGIC["hdf5"]) and _holds(file, *_TWIN, *_PROCESSED, ROOT)


def _open_remote(url: str) -> RecordTable:
    with ExitStack() as opened:
        beneath = open_address(url)
        opened.callback(beneath.close)
        with reading(url):
            kind = _kind(url, beneath.read(64), beneath)
            if kind is RootTable:
                # uproot asks for many ranges at once.
                file = load_uproot().open(url, array_cache=None, **STORAGE)
            else:
                file = h5py.File(beneath, "r")
                opened.callback(file.close)
                refuse_links(url, file)
        opened.pop_all()
        return kind(url, file, beneath=beneath)


def _kind(label: str, head: bytes, file: object) -> type[RecordTable]:
    if head.startswith(MAGIC["root"]):
        return RootTable
    if head.startswith(MAGIC["hdf5"]):
        if _holds(file, ROOT):
            return MeasuredTable
        return ProcessedTable if _holds(file, *_PROCESSED) else TwinTable
    if is_web_page(head):
        raise BadInput(f"{label} is a web page and no file of jets: get it again")
    raise BadInput(f"{label} is neither a ROOT nor an HDF5 file: get it again")


def _holds(file: object, *names: str) -> bool:
    try:
        if isinstance(file, str | PathLike):
            check_heaps(file)
        with h5py.File(file, "r") as opened:
            refuse_links(file, opened)
            return any(name in opened for name in names)
    except (BadInput, OSError, RuntimeError):
        return False  # the reader says what is wrong
