"""The jets of MBNS as its figures of distributions and correlations show them."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.features.mbns import MBNS
from repro.features.samples import Sample
from repro.features.subjettiness import subjettiness_features
from repro.figures.context import Context

__all__ = ["JETS", "JetTable", "jets_of_mbns"]

JETS = 20_000
"""The authors looked at the first so many rows of their training set."""

_FEWEST = 8
_RATIOS = {"tau_21": ("tau_2_1", "tau_1_1"), "tau_32": ("tau_3_1", "tau_2_1")}


@dataclass(frozen=True, eq=False)
class JetTable:
    """Quantities of jets by name, in GeV.

    Attributes:
        sample: Inputs of MBNS that the authors stored, or whole jets.
    """

    sample: Sample

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the subjettinesses that are known, all 24 at best, then ``pT_J`` and ``m_J``."""
        wanted = (*subjettiness_features(), "pT_J", "m_J")
        return tuple(name for name in wanted if name in self.sample.features)

    def column(self, name: str, label: int) -> NDArray[np.float64]:
        """Return a quantity of one class, (n,); ``tau_21`` and ``tau_32`` are ratios, exponent 1.

        Jets of fewer than eight constituents are left out, as MBNS has it.
        """
        if name in _RATIOS:
            above, below = _RATIOS[name]
            return self.column(above, label) / self.column(below, label)
        sample = self.sample
        rows = sample.labels == label
        if "constituents" in sample.features:
            rows = rows & (sample.array[:, sample.features.index("constituents")] >= _FEWEST)
        stored = sample.family == "mbns" and name in ("pT_J", "m_J")
        unit = MBNS.momentum_unit if stored else 1.0
        column = sample.array[rows, sample.features.index(name)]
        return np.asarray(unit * column, dtype=np.float64)


def jets_of_mbns(context: Context) -> JetTable:
    """Return the jets: the authors' stored ones of the test set, or a file's first 20,000.

    Raises:
        NotAvailable: If subjettiness has to be computed and FastJet is not installed.
    """
    if context.source == "fixtures":
        return JetTable(context.sample("mbns"))
    # More embedded jets than are at hand would be simulated.
    most = None if context.source == "embedded" else JETS
    sample = context.sample("jets", "train", context.settings.jets or most)
    if sample.data["source"] == "paper":
        exact = len(sample.labels) == JETS
        sample = dataclasses.replace(sample, kind="complete" if exact else "subset")
    return JetTable(sample)
