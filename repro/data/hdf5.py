"""What readers of HDF5 files have in common."""

from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from repro.errors import BadInput, MissingData

__all__ = ["load_filters", "open_hdf5"]


def load_filters(label: object, dataset: Any) -> None:  # noqa: ANN401  # h5py is untyped
    """Load the compiled filters of hdf5plugin if the dataset needs one (blosc).

    Args:
        label: What the file is called in messages.
        dataset: The h5py dataset.

    Raises:
        BadInput: If it needs a filter that is not to be had.
    """
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if not all(h5py.h5z.filter_avail(code) for code in codes):
        import hdf5plugin  # noqa: F401, PLC0415  # registers its filters when imported
    for code in codes:
        if not h5py.h5z.filter_avail(code):
            raise BadInput(f"{label} is compressed with HDF5 filter {code}: write it with zlib")


def open_hdf5(path: str | PathLike[str]) -> Any:  # noqa: ANN401  # h5py is untyped
    """Open an HDF5 file.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is no HDF5 file or truncated.
    """
    if not Path(path).exists():
        raise MissingData(f"{path} is not there: check the path or fetch the file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise BadInput(f"{path} is truncated or no HDF5 file: get it again") from error
