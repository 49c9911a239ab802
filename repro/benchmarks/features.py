"""The jets of a benchmark, and how fast the inputs of each family are made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.benchmarks.machine import best_times
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets
from repro.errors import BadInput, NotAvailable
from repro.features.registry import FAMILIES, Inputs

__all__ = ["FeatureSpeed", "Measured", "measure_features", "read_jets"]

# Clustering takes ten times as long as all else.
_JETS_WITH_FASTJET = 500
_JETS = 4000


@dataclass(frozen=True, eq=False)
class Measured:
    """The jets that are measured on.

    Attributes:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        taus: (n, 24), their subjettiness, if the file has it.
    """

    four_momenta: NDArray[np.floating]
    taus: NDArray[np.floating] | None


@dataclass(frozen=True)
class FeatureSpeed:
    """What was measured of the inputs of one family.

    Attributes:
        family: Which.
        jets: How many jets.
        jets_per_second: None if it was not tested.
        reason: Why it was not.
    """

    family: str
    jets: int
    jets_per_second: float | None
    reason: str | None = None


def read_jets(path: Path, jets: int) -> Measured:
    """Return the first jets of a file of either format.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it holds no jets.
    """
    with open_jets(path) as file:
        stop = min(jets, len(file))
        if stop == 0:
            raise BadInput(f"{path} holds no jets: give another file")
        if isinstance(file, PackedJets):
            parts = list(file.iter_parts(stop=stop))
            taus = np.concatenate([part.tau for part in parts])
            return Measured(np.concatenate([part.jets.four_momenta for part in parts]), taus)
        chunks = [chunk.four_momenta for chunk in file.iter_jets(stop=stop)]
        return Measured(np.concatenate(chunks), None)


def measure_features(measured: Measured, repeats: int) -> list[FeatureSpeed]:
    """Measure how fast the inputs of each family are made from four-momenta.

    Subjettiness is computed where it is needed, even if the file has it: it is nearly all of the
    time.

    Args:
        measured: The jets.
        repeats: The shortest of so many times counts.
    """
    return [
        _measure(name, inputs, measured, repeats)
        for name, inputs in FAMILIES.items()
        if not inputs.needs_truth
    ]


def _measure(family: str, inputs: Inputs, measured: Measured, repeats: int) -> FeatureSpeed:
    most = _JETS_WITH_FASTJET if inputs.needs_fastjet else _JETS
    four_momenta = measured.four_momenta[:most]
    compute: Callable[[], object] = lambda: inputs.compute(four_momenta, None)  # noqa: E731
    try:
        (seconds,) = best_times([compute], repeats)
    except NotAvailable:
        return FeatureSpeed(family, len(four_momenta), None, "not tested: needs fastjet")
    return FeatureSpeed(family, len(four_momenta), len(four_momenta) / seconds)
