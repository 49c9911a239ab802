"""Open a file of record 12102, whatever its format."""

from contextlib import ExitStack
from os import PathLike
from pathlib import Path

import h5py

from repro.data.completeness import is_web_page
from repro.data.hbb.extras import load_uproot
from repro.data.hbb.measured_file import ROOT, MeasuredTable
from repro.data.hbb.ntuples import RootTable
from repro.data.hbb.outside import PROCESSED, has_any
from repro.data.hbb.processed import ProcessedTable
from repro.data.hbb.streaming import STORAGE, is_address, open_address, reading
from repro.data.hbb.table import RecordTable
from repro.data.hbb.twins import TwinTable
from repro.data.hdf5 import refuse_links
from repro.data.open_jets import is_jet_file
from repro.data.pins import MAGIC
from repro.data.regular import check_regular
from repro.errors import BadInput

__all__ = ["open_table"]


def open_table(path: str | PathLike[str]) -> RecordTable:
    """Open a ROOT file, an HDF5 twin or a processed file, told apart by what is in it.

    Args:
        path: A path, or an address that begins with ``https://``: then only the jets that are
            asked for are transferred.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is a folder or another kind of file, such as one of jets with constituents,
            or not as it should be.
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
    try:
        return _kind(str(file), head, file).open(file)
    except BadInput as error:
        if is_jet_file(file):
            raise BadInput(
                f"{file} has jets with constituents, not the tracks and vertices of record 12102: "
                "take topodnn, mbns, pfn, pfin, augpfn or an item of toptag, or give another file"
            ) from error
        raise


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
        if has_any(file, ROOT):
            return MeasuredTable
        return ProcessedTable if has_any(file, *PROCESSED) else TwinTable
    if is_web_page(head):
        raise BadInput(f"{label} is a web page and no file of jets: get it again")
    raise BadInput(f"{label} is neither a ROOT nor an HDF5 file: get it again")
