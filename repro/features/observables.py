"""Observables of jets, to compare simulated jets with real ones."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from repro.data.packed import PackedPart
from repro.features.embedded import quantity_names
from repro.features.subjettiness import subjettiness_features
from repro.features.topodnn import TOPODNN, topodnn_features, topodnn_inputs

__all__ = ["OBSERVABLES", "observables"]

OBSERVABLES = {
    "constituents": "",
    "mass": "GeV",
    "pt": "GeV",
    "pt_0": "GeV",
    "pt_2": "GeV",
    "phi_1": "rad",
    "tau_1_1": "",
    "tau_2_1": "",
    "tau_3_1": "",
    "tau_5_2": "",
    "tau_7_1": "",
    "tau_21": "",
    "tau_32": "",
}
"""Names and units; pt_i and phi_1 as TopoDNN sees them, but pt in GeV."""

_OF_TOPODNN = {"pt_0": TOPODNN.pt_scale, "pt_2": TOPODNN.pt_scale, "phi_1": 1.0}
_OF_JET = ("constituents", "mass", "pt")
_RATIOS = {"tau_21": ("tau_2_1", "tau_1_1"), "tau_32": ("tau_3_1", "tau_2_1")}


def observables(
    parts: Iterable[PackedPart],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Return the observables of jets that come in parts.

    Returns:
        By name, (n,), NaN where a jet has too few constituents for subjettiness; and the labels.
    """
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in OBSERVABLES}
    labels = []
    for part in parts:
        for name, values in _observables(part).items():
            found[name].append(values)
        labels.append(part.jets.labels)
    return {name: np.concatenate(pieces) for name, pieces in found.items()}, np.concatenate(labels)


def _observables(part: PackedPart) -> dict[str, NDArray[np.float64]]:
    found = {
        name: part.quantities[:, quantity_names().index(name)].astype(np.float64)
        for name in _OF_JET
    }
    inputs = topodnn_inputs(part.jets.four_momenta)
    for name, unit in _OF_TOPODNN.items():
        found[name] = unit * inputs[:, topodnn_features().index(name)]
    tau = part.tau.astype(np.float64)
    found |= {name: tau[:, i] for i, name in enumerate(subjettiness_features())}
    for name, (above, below) in _RATIOS.items():
        # Jets of one direction have no width: no ratio.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = found[above] / found[below]
        found[name] = np.where(np.isfinite(ratio), ratio, np.nan)
    return {name: found[name] for name in OBSERVABLES}
