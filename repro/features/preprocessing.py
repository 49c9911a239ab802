"""Inputs of the jets of a file: read and made a chunk at a time, into one array."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.callbacks import Progress
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets
from repro.features.registry import FAMILIES
from repro.features.streams import JETS_PER_CHUNK, iter_jets_with_subjettiness

__all__ = ["Preprocessed", "preprocess"]

# The authors made the inputs of MBNS in blocks of so many jets, and dropped what was left.
_MBNS_BLOCK = 100_000


@dataclass(frozen=True, eq=False)
class Preprocessed:
    """Inputs of the first jets of a file.

    Attributes:
        inputs: (n, inputs), in the precision of the family's network.  No row has NaN: jets
            without inputs are left out.
        labels: (n,), 1 for top and 0 for QCD.
        rows: (n,), rows in the file that they come from.
        read: How many jets were read.
        used: How many jets of the file the authors used, or else all of them.
        length: How many jets the file has.
        recipe: How they were simulated, if the file says so.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    read: int
    used: int
    length: int
    recipe: dict[str, Any]

    @property
    def dropped(self) -> int:
        """How many jets were read that have no inputs."""
        return self.read - len(self.labels)


def preprocess(
    path: Path,
    family: str,
    jets: int | None,
    progress: Progress,
    *,
    label: str = "preprocessing",
    corrected: bool = False,
    of_paper: bool = False,
) -> Preprocessed:
    """Read the first jets of a file and make their inputs.

    Args:
        path: A file in the paper's format or packed.
        family: Whose inputs.
        jets: The first so many; all if not given.
        progress: Wraps the chunks.
        label: What the chunks are shown under.
        corrected: Whether the originals' quirks are off.
        of_paper: Whether the file is the paper's, of which the authors used a part for MBNS.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it cannot be used.
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    maker = FAMILIES[family]
    with open_jets(path) as file:
        length = len(file)
        used = _published_length(family, length) if of_paper and not corrected else length
        total = used if jets is None else min(jets, used)
        recipe = file.recipe if isinstance(file, PackedJets) else {}
        parts = iter_jets_with_subjettiness(
            file,
            stop=total,
            chunk=JETS_PER_CHUNK,
            constituents=maker.leading(corrected),
            wanted=maker.needs_fastjet and not corrected,
        )
        # One array from the beginning: the inputs of PFN fill a gigabyte.
        precision = maker.compute(np.zeros((0, 1, 4), np.float32), np.zeros((0, 24))).dtype
        inputs = np.empty((total, len(maker.features())), precision)
        labels, known = np.empty(total, np.int64), np.empty(total, np.bool_)
        starts = progress(range(0, total, JETS_PER_CHUNK), label)
        for start, (part, taus) in zip(starts, parts, strict=True):
            rows = slice(start, start + len(part))
            inputs[rows] = maker.compute(part.four_momenta, taus, corrected=corrected)
            labels[rows] = part.labels
            known[rows] = ~np.isnan(inputs[rows]).any(axis=1)
    if not known.all():
        inputs, labels = inputs[known], labels[known]
    return Preprocessed(inputs, labels, np.flatnonzero(known), total, used, length, recipe)


def _published_length(family: str, length: int) -> int:
    """Return how many jets of a file the authors used."""
    blocks = length // _MBNS_BLOCK
    return blocks * _MBNS_BLOCK if family == "mbns" and blocks else length
