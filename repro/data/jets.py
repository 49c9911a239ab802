"""Jets as arrays of constituents, and the names that the data set's columns have.

Source: arXiv:1902.09914, appendix; the columns of Zenodo 10.5281/zenodo.2603256.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import BadInput

__all__ = [
    "LABEL",
    "MOMENTA",
    "MOST_PLACES",
    "SPLIT",
    "TRUTH",
    "Jets",
    "check_labels",
    "check_momenta",
]

MOMENTA = ("E", "PX", "PY", "PZ")
TRUTH = ("truthE", "truthPX", "truthPY", "truthPZ")
SPLIT = "ttv"
LABEL = "is_signal_new"
MOST_PLACES = 10_000
"""No jet has more constituents: a file that says so is damaged."""


@dataclass(frozen=True, eq=False)
class Jets:
    """Some jets.

    Attributes:
        four_momenta: Constituents, shape (n, constituents, 4), float32, [E, px, py, pz] in
            GeV, zero where there is none.  Nothing of ``truth`` is in it: the authors' first
            version summed the truth columns into the jet axis (dossier, quirk B1).
        labels: 1 for top and 0 for QCD, shape (n,), int64.
        truth: Four-momentum of the top quark, shape (n, 4), float32 or float64, GeV.
        split: The file's ``ttv``, shape (n,), int64.

    Raises:
        BadInput: If the shapes do not fit together.
    """

    four_momenta: NDArray[np.float32]
    labels: NDArray[np.int64]
    truth: NDArray[np.floating[Any]]
    split: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.four_momenta)
        if self.four_momenta.shape[2:] != (4,) or self.four_momenta.ndim != 3:
            raise BadInput(f"four-momenta have shape {self.four_momenta.shape}, not (n, k, 4)")
        if (self.labels.shape, self.truth.shape, self.split.shape) != ((n,), (n, 4), (n,)):
            raise BadInput(f"labels, truth and split do not fit {n} jets: (n,), (n, 4) and (n,)")

    def __len__(self) -> int:
        return len(self.labels)


def check_momenta(label: object, four_momenta: NDArray[np.floating[Any]], row: int) -> None:
    """Raise if a jet has a number that is none.

    Args:
        label: What the file is called in messages.
        four_momenta: Of one jet in each row, of any shape beyond.
        row: Number of the first jet.

    Raises:
        BadInput: If it has.
    """
    bad = ~np.isfinite(four_momenta).reshape(len(four_momenta), -1).all(axis=1)
    if bad.any():
        raise BadInput(
            f"{label}: row {row + int(bad.argmax())} has NaN or infinite "
            "four-momenta: fetch or write the file again"
        )


def check_labels(label: object, labels: NDArray[Any], row: int) -> None:
    """Raise if a jet is neither QCD nor top.

    Args:
        label: What the file is called in messages.
        labels: One for each jet.
        row: Number of the first jet.

    Raises:
        BadInput: If there is such a jet.
    """
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        raise BadInput(
            f"{label}: row {row + int(wrong.argmax())} has {LABEL} "
            f"{labels[wrong][0]}: labels must be 1 (top) or 0 (QCD)"
        )
