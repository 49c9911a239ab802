"""Write jets in the file format of the Top Quark Tagging Reference Dataset.

The layout is described in :mod:`repro.data.tables`, which reads it.
"""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from repro.data._pytables import create_table, finish_table
from repro.data.hdf5_writer import new_hdf5
from repro.data.jets import LABEL, MOMENTA, SPLIT, TRUTH, Jets
from repro.errors import BadInput

__all__ = ["Compression", "write_jets"]

Compression: TypeAlias = Literal["blosc", "zlib"] | None


def write_jets(
    path: str | PathLike[str],
    chunks: Iterable[Jets],
    compression: Compression = None,
    *,
    attributes: Mapping[str, str] | None = None,
) -> int:
    """Write jets so that this module and ``pandas.read_hdf(path, "table")`` read them.

    The file appears whole or not at all: it is written under another name in the same
    folder and renamed at the end.  The same jets give the same bytes.

    Args:
        path: The file; replaced if it exists.
        chunks: The jets, any number of parts with the same number of constituents.
        compression: ``None``, ``"zlib"``, or ``"blosc"`` (smallest and fastest; zstd inside).
        attributes: Texts to keep with the file, such as where the jets come from.

    Returns:
        The number of jets.

    Raises:
        BadInput: If there are no jets, the parts differ, a four-momentum is NaN or
            infinite, a label is neither 0 nor 1, or the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise BadInput(f"the folder {path.parent} is not there: create it first")
    if compression not in (None, "blosc", "zlib"):
        raise BadInput(f"unknown compression {compression!r}: choose blosc, zlib or none")
    with new_hdf5(path) as new:
        dataset: Any = None
        for jets in chunks:
            if dataset is None:
                dataset = create_table(new.hdf5, _blocks(jets.four_momenta.shape[1]), compression)
            _append(path, dataset, jets)
            new.check()
        if dataset is None or len(dataset) == 0:
            raise BadInput(f"no jets to write to {path}: check the input or the selection")
        finish_table(dataset)
        for name, text in (attributes or {}).items():
            new.hdf5.attrs[name] = text
        return len(dataset)


def _blocks(constituents: int) -> list[tuple[np.dtype[Any], list[str]]]:
    momenta = [f"{name}_{i}" for i in range(constituents) for name in MOMENTA]
    return [(np.dtype("<f4"), [*momenta, *TRUTH]), (np.dtype("<i8"), [SPLIT, LABEL])]


def _append(path: Path, dataset: Any, jets: Jets) -> None:  # noqa: ANN401  # h5py is untyped
    start, n = len(dataset), len(jets)
    records = np.zeros(n, dtype=dataset.dtype)
    floats, integers = records["values_block_0"], records["values_block_1"]
    if floats.shape[1] != 4 * jets.four_momenta.shape[1] + 4:
        raise BadInput(f"parts for {path} differ in their number of constituents: pad them")
    if not np.isfinite(jets.four_momenta).all():
        raise BadInput(f"four-momenta for {path} hold NaN or infinity: leave those jets out")
    if not np.isin(jets.labels, (0, 1)).all():
        raise BadInput(f"labels for {path} must be 1 (top) or 0 (QCD)")
    records["index"] = np.arange(start, start + n)
    floats[:, :-4] = jets.four_momenta.reshape(n, floats.shape[1] - 4)
    floats[:, -4:] = jets.truth
    integers[:, 0], integers[:, 1] = jets.split, jets.labels
    dataset.resize(start + n, axis=0)
    dataset[start:] = records
