"""The inputs of MBNS: subjettiness, jet pT and jet mass, in float64.

Source: the data set of MBNS in FAIR4HEP/xAI4toptagger; names and order in ``mbns.toml``.
"""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.features.jets import iter_slices, jet_quantities
from repro.features.subjettiness import subjettiness, subjettiness_features

__all__ = ["MBNS", "MbnsLayout", "mbns_features", "mbns_inputs", "mbns_inputs_of_jets"]


@dataclass(frozen=True)
class MbnsLayout:
    """Layout of MBNS's input row.

    Attributes:
        columns: Names of the columns; the last two are jet pT and mass.
        momentum_unit: Unit of these two in GeV.
    """

    columns: tuple[str, ...]
    momentum_unit: float


@functools.cache
def _layout() -> MbnsLayout:
    text = resources.files("repro.features").joinpath("mbns.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return MbnsLayout(tuple(data["columns"]), data["momentum_unit"])


MBNS = _layout()


def mbns_features() -> tuple[str, ...]:
    """Return the names of the 22 input columns.

    >>> mbns_features()[-5:], len(mbns_features())
    (('tau_6_2', 'tau_7_1', 'tau_7_2', 'pT_J', 'm_J'), 22)
    """
    return MBNS.columns


def mbns_inputs(
    taus: NDArray[np.floating], pt: NDArray[np.floating], mass: NDArray[np.floating]
) -> FloatArray:
    """Arrange the inputs of MBNS.

    Args:
        taus: (n, 24) as :func:`repro.features.subjettiness.subjettiness` returns them.
        pt: (n,), jet pT in GeV.
        mass: (n,), jet mass in GeV.

    Returns:
        (n, 22); a row of NaN where the jet has no subjettiness.

    Raises:
        BadInput: If the shapes do not fit together.
    """
    names = subjettiness_features()
    n = len(taus)
    if taus.shape != (n, len(names)) or pt.shape != (n,) or mass.shape != (n,):
        raise BadInput(
            f"subjettiness {taus.shape}, pT {pt.shape} and mass {mass.shape} do not fit: "
            f"expected (n, {len(names)}), (n,) and (n,)"
        )
    inputs = np.empty((n, len(MBNS.columns)))
    inputs[:, :-2] = taus[:, [names.index(name) for name in MBNS.columns[:-2]]]
    inputs[:, -2] = pt / MBNS.momentum_unit
    inputs[:, -1] = mass / MBNS.momentum_unit
    inputs[np.isnan(inputs).any(axis=1)] = np.nan
    return inputs


def mbns_inputs_of_jets(
    four_momenta: NDArray[np.floating],
    taus: NDArray[np.floating] | None = None,
    *,
    wrap_azimuth: bool = False,
    small_jets: bool = False,
) -> FloatArray:
    """Return the inputs of MBNS from four-momenta.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded; all k constituents count.
        taus: (n, 24) if they are known; computed if not given.
        wrap_azimuth: Whether subjettiness is computed with azimuth modulo 2π (corrects B3).
        small_jets: Whether it is computed for jets of fewer than 8 constituents (corrects B16).

    Returns:
        (n, 22); a row of NaN for a jet without subjettiness: as published, one of fewer than 8
        constituents.

    Raises:
        BadInput: If an array has another shape.
        NotAvailable: If subjettiness is to be computed and fastjet is not installed.
    """
    if taus is None:
        taus = subjettiness(four_momenta, wrap_azimuth=wrap_azimuth, small_jets=small_jets)
    pt, mass = np.empty(len(four_momenta)), np.empty(len(four_momenta))
    for rows in iter_slices(len(four_momenta)):
        jets = jet_quantities(four_momenta[rows].astype(np.float64))
        pt[rows], mass[rows] = jets.pt, jets.mass
    return mbns_inputs(taus, pt, mass)
