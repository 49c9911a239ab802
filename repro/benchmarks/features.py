"""The jets of a benchmark, and how fast the inputs of each family are made of them."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.benchmarks.timing import measure_times
from repro.data.open_jets import open_jets
from repro.data.packed import PackedJets
from repro.errors import BadInput, NotAvailable
from repro.features.registry import FAMILIES, Inputs

__all__ = ["FeatureSpeed", "Measured", "count_jets", "iter_jets", "measure_features"]

# Clustering takes ten times as long as all else.
_JETS_WITH_FASTJET = 500
_JETS = 4000
# So many go through a network together: no more need be in memory.
_JETS_PER_PART = 16_384


@dataclass(frozen=True, eq=False)
class Measured:
    """Jets that are measured on.

    Attributes:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        taus: (n, 24), their subjettiness, if the file has it.
    """

    four_momenta: NDArray[np.floating]
    taus: NDArray[np.floating] | None

    def __len__(self) -> int:
        return len(self.four_momenta)


@dataclass(frozen=True)
class FeatureSpeed:
    """What was measured of the inputs of one family.

    Attributes:
        family: Which.
        jets: How many jets.
        jets_per_second: The median; None if it was not tested.
        reason: Why it was not.
        spread: All of :meth:`~repro.benchmarks.timing.Timing.rates`.
    """

    family: str
    jets: int
    jets_per_second: float | None
    reason: str | None = None
    spread: Mapping[str, Any] = field(default_factory=dict)


def count_jets(path: Path, jets: int) -> int:
    """Return how many jets of a file of either format are measured on, if so many are wanted.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it holds no jets.
    """
    with open_jets(path) as file:
        if len(file) == 0:
            raise BadInput(f"{path} holds no jets: give another file")
        return min(jets, len(file))


def iter_jets(path: Path, jets: int, part: int = _JETS_PER_PART) -> Iterator[Measured]:
    """Yield the first jets of a file of either format, in parts of so many.

    Raises:
        MissingData: If there is no such file.
    """
    with open_jets(path) as file:
        stop = min(jets, len(file))
        if isinstance(file, PackedJets):
            for packed in file.iter_parts(stop=stop, chunk=part):
                yield Measured(packed.jets.four_momenta, packed.tau)
        else:
            for chunk in file.iter_jets(stop=stop, chunk=part):
                yield Measured(chunk.four_momenta, None)


def measure_features(
    measured: Measured, repeats: int, families: Container[str] = tuple(FAMILIES)
) -> list[FeatureSpeed]:
    """Measure how fast the inputs of families are made from four-momenta.

    Subjettiness is computed where it is needed, even if the file has it: it is nearly all of the
    time.

    Args:
        measured: The jets.
        repeats: The median of so many times counts.
        families: Which families.
    """
    return [
        _measure(name, inputs, measured, repeats)
        for name, inputs in FAMILIES.items()
        if name in families and not inputs.needs_truth
    ]


def _measure(family: str, inputs: Inputs, measured: Measured, repeats: int) -> FeatureSpeed:
    most = _JETS_WITH_FASTJET if inputs.needs_fastjet else _JETS
    four_momenta = measured.four_momenta[:most]
    compute: Callable[[], object] = lambda: inputs.compute(four_momenta, None)  # noqa: E731
    try:
        (taken,) = measure_times([compute], repeats)
    except NotAvailable:
        return FeatureSpeed(family, len(four_momenta), None, "not tested: needs fastjet")
    spread = taken.rates(len(four_momenta))
    return FeatureSpeed(family, len(four_momenta), spread["median"], spread=spread)
