"""What a jet is as a whole: its quantities and its subjettiness, to be looked at, not to be learnt.

Source: the stored rows of MBNS's data set (24 subjettinesses, jet pT, jet mass) and the augmented
quantities of PFN's, in FAIR4HEP/xAI4toptagger.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from repro.features.jets import JetQuantities, iter_slices, jet_quantities
from repro.features.subjettiness import subjettiness, subjettiness_features

__all__ = ["quantities_of_jets", "quantity_features", "summary_features", "summary_of_jets"]

_NAMES = {"mass": "m_J", "pt": "pT_J"}


def quantity_features() -> tuple[str, ...]:
    """Return the names of the seven quantities.

    >>> quantity_features()
    ('energy', 'm_J', 'pT_J', 'eta', 'phi', 'pt_sum', 'constituents')
    """
    fields = (field.name for field in dataclasses.fields(JetQuantities))
    return tuple(_NAMES.get(name, name) for name in fields)


def summary_features() -> tuple[str, ...]:
    """Return the names of the columns: seven quantities, then 24 subjettinesses.

    >>> summary_features()[5:9]
    ('pt_sum', 'constituents', 'tau_1_05', 'tau_1_1')
    """
    return quantity_features() + subjettiness_features()


def summary_of_jets(
    four_momenta: NDArray[np.floating],
    taus: NDArray[np.floating] | None = None,
    *,
    wrap_azimuth: bool = False,
    small_jets: bool = False,
    leading: int | None = None,
) -> NDArray[np.float64]:
    """Return the quantities of jets, in GeV and rad.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded; all k constituents count.
        taus: (n, 24), subjettiness of all k constituents if it is known; computed if not given.
        wrap_azimuth: Whether subjettiness is computed with azimuth modulo 2π (corrects B3).
        small_jets: Whether it is computed for jets of fewer than 8 constituents (corrects B16).
        leading: If given, all is that of so many leading constituents, as PFIN has it:
            subjettiness is computed for jets that have more, also if it is known.

    Returns:
        (n, 31), see :func:`summary_features`.  As published, a jet of fewer than 8 constituents
        has subjettiness zero.

    Raises:
        BadInput: If an array has another shape.
        NotAvailable: If subjettiness is to be computed and fastjet is not installed.
    """
    longer = four_momenta[:, leading:].any(axis=(1, 2)) if leading is not None else ()
    four_momenta = four_momenta[:, :leading]
    if taus is None:
        taus = subjettiness(four_momenta, wrap_azimuth=wrap_azimuth, small_jets=small_jets)
    elif np.any(longer):
        taus = taus.astype(np.float64)
        taus[longer] = subjettiness(
            four_momenta[longer], wrap_azimuth=wrap_azimuth, small_jets=small_jets
        )
    return np.concatenate([quantities_of_jets(four_momenta), np.nan_to_num(taus, nan=0.0)], axis=1)


def quantities_of_jets(four_momenta: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the seven quantities of jets alone, (n, 7), in GeV and rad.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded; all k constituents count.

    Raises:
        BadInput: If the array has another shape.
    """
    found = np.empty((len(four_momenta), len(quantity_features())))
    for rows in iter_slices(len(four_momenta)):
        jets = jet_quantities(four_momenta[rows].astype(np.float64))
        found[rows] = np.stack(dataclasses.astuple(jets), axis=1)
    return found
