"""The inputs of PFIN: 60 leading constituents relative to their sum, and that sum.

Constituents as for PFN (:mod:`repro.features.pfn`), but as published the axis, the scalar sum and
the count come from the 60 leading constituents alone.  The network forms its pair features in GeV
and detector coordinates, so four columns say what the constituents are relative to.

Source: the data set of PFIN in FAIR4HEP/xAI4toptagger (its "augmented" columns).
"""

import numpy as np
from numpy.typing import NDArray

from repro.features.jets import check_four_momenta, iter_slices, jet_quantities
from repro.features.pfn import QUANTITIES, constituent_features, relative_constituents

__all__ = ["JET_COLUMNS", "PFIN_CONSTITUENTS", "pfin_features", "pfin_inputs"]

PFIN_CONSTITUENTS = 60
JET_COLUMNS = ("pt_sum", "eta_J", "phi_J", "nconst")


def pfin_features() -> tuple[str, ...]:
    """Return the names of the 184 input columns.

    >>> pfin_features()[-5:], len(pfin_features())
    (('phi_59', 'pt_sum', 'eta_J', 'phi_J', 'nconst'), 184)
    """
    return constituent_features(PFIN_CONSTITUENTS) + JET_COLUMNS


def pfin_inputs(
    four_momenta: NDArray[np.floating],
    *,
    wrap_azimuth: bool = False,
    whole_jet: bool = False,
) -> NDArray[np.float32]:
    """Preprocess jets for PFIN.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, ordered by pt and zero padded; as
            published, constituents past the 60th are ignored.
        wrap_azimuth: Whether phi - phi_J is taken into [-π, π) (corrects B3, in ΔR as well).
        whole_jet: Whether axis and scalar sum are those of all k constituents, so that shares
            of pt and distances from the axis are those of the jet.  Slots and count stay as they
            are: the network sums over the pairs of the slots and divides by the count, and the
            count of all constituents would dilute that mean by pairs that are not in it.

    Returns:
        (n, 184): pt [of the scalar sum], eta, phi [rad] of 60 slots, interleaved; scalar sum
        [GeV], eta and phi [rad] of the vector sum, number of slots with E ≠ 0.

    Raises:
        BadInput: If the array has another shape.
    """
    check_four_momenta(four_momenta)
    inputs = np.zeros((len(four_momenta), len(pfin_features())), np.float32)
    for rows in iter_slices(len(four_momenta)):
        leading = four_momenta[rows, :PFIN_CONSTITUENTS]
        jets = jet_quantities(four_momenta[rows] if whole_jet else leading)
        slots = relative_constituents(leading, jets, wrap_azimuth)
        inputs[rows, : leading.shape[1] * len(QUANTITIES)] = slots.reshape(len(slots), -1)
        columns = (jets.pt_sum, jets.eta, jets.phi, (leading[..., 0] != 0).sum(axis=1))
        inputs[rows, -len(JET_COLUMNS) :] = np.stack(columns, axis=1)
    return inputs
