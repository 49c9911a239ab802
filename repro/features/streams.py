"""Jets of a file, a chunk at a time, with their subjettiness where it is wanted."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repro.data.jets import Jets
from repro.data.open_jets import JetFile
from repro.data.packed import PackedJets
from repro.errors import BadInput
from repro.features.registry import Inputs
from repro.features.subjettiness import subjettiness, subjettiness_features

__all__ = ["JETS_PER_CHUNK", "JetsAndTaus", "iter_inputs", "iter_jets_with_subjettiness"]

JetsAndTaus = tuple[Jets, NDArray[np.floating] | None]

JETS_PER_CHUNK = 8192
"""So many jets of 200 constituents are 26 MB."""


def iter_inputs(
    file: JetFile,
    family: Inputs,
    *,
    stop: int | None = None,
    chunk: int = JETS_PER_CHUNK,
    corrected: bool = False,
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.int64]]]:
    """Yield the inputs of the jets of a file in chunks, and their labels.

    Args:
        file: An open file of either format.
        family: Makes the inputs.
        stop: Row after the last; the end if not given.
        chunk: Jets at a time.
        corrected: Whether the originals' quirks are off.

    Yields:
        Inputs (n, inputs), a row of NaN where a jet has none, and labels (n,).

    Raises:
        BadInput: If the file cannot be used.
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    parts = iter_jets_with_subjettiness(
        file,
        stop=stop,
        chunk=chunk,
        constituents=family.leading(corrected),
        wanted=family.needs_fastjet and not corrected,
    )
    for jets, taus in parts:
        yield family.of_jets(jets, taus, corrected=corrected), jets.labels


def iter_jets_with_subjettiness(
    file: JetFile,
    *,
    stop: int | None = None,
    chunk: int = JETS_PER_CHUNK,
    constituents: int | None = None,
    wanted: bool = True,
) -> Iterator[JetsAndTaus]:
    """Yield the jets of a file in chunks, and their subjettiness as published.

    Args:
        file: An open file of either format.
        stop: Row after the last; the end if not given.
        chunk: Jets at a time.
        constituents: How many leading constituents are needed, at most; all if not given, or if
            subjettiness is wanted.
        wanted: Whether subjettiness is wanted.

    Yields:
        Jets, and subjettiness (n, 24) if it is wanted: float32 from a packed file, which has it,
        and else computed in float64.

    Raises:
        BadInput: If the file cannot be used, or a four-momentum is NaN or infinite.
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    if isinstance(file, PackedJets):
        yield from _of_packed(file, stop, chunk, wanted)
        return
    all_of_them = wanted or constituents is None or constituents >= file.constituents
    leading = None if all_of_them else constituents
    for jets in file.iter_jets(stop=stop, chunk=chunk, constituents=leading):
        yield jets, subjettiness(jets.four_momenta) if wanted else None


def _of_packed(
    file: PackedJets, stop: int | None, chunk: int, wanted: bool
) -> Iterator[JetsAndTaus]:
    if len(file) == 0:
        raise BadInput(f"{file.path} holds no jets: get or simulate them again")
    stored = file.tau_names == subjettiness_features()
    row = 0
    for part in file.iter_parts(stop=stop, chunk=chunk):
        jets = part.jets
        bad = ~np.isfinite(jets.four_momenta).all(axis=(1, 2))
        if bad.any():
            raise BadInput(
                f"{file.path}: row {row + int(bad.argmax())} has NaN or infinite four-momenta: "
                "get the file or simulate the jets again"
            )
        computed = wanted and not stored
        taus = subjettiness(jets.four_momenta) if computed else part.tau
        yield jets, taus if wanted else None
        row += len(jets)
