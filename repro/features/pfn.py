"""The inputs of PFN: all constituents relative to their jet.

Each of the 200 slots has (pt / Σ pt, eta - eta_J, phi - phi_J); the axis is the vector sum of
the same constituents and of nothing else (the first version of the paper added the truth
momentum: quirk B1).  As published, the azimuth is not wrapped (quirk B3).  Slots with pt = 0
are padding and all zero.

Source: the data set of PFN in FAIR4HEP/xAI4toptagger.  Inputs are float32; see
:mod:`repro.features.jets` for the precision of what leads there.
"""

import numpy as np
from numpy.typing import NDArray

from repro.features.jets import (
    JetQuantities,
    check_four_momenta,
    cylindrical,
    iter_slices,
    jet_quantities,
    wrap_angle,
)

__all__ = [
    "PFN_CONSTITUENTS",
    "QUANTITIES",
    "constituent_features",
    "pfn_features",
    "pfn_inputs",
    "relative_constituents",
]

PFN_CONSTITUENTS = 200
QUANTITIES = ("pt", "eta", "phi")


def constituent_features(slots: int) -> tuple[str, ...]:
    """Return the names of the columns of the first slots, interleaved.

    >>> constituent_features(2)
    ('pt_0', 'eta_0', 'phi_0', 'pt_1', 'eta_1', 'phi_1')
    """
    return tuple(f"{quantity}_{slot}" for slot in range(slots) for quantity in QUANTITIES)


def pfn_features() -> tuple[str, ...]:
    """Return the names of the 600 input columns.

    >>> pfn_features()[-1], len(pfn_features())
    ('phi_199', 600)
    """
    return constituent_features(PFN_CONSTITUENTS)


def pfn_inputs(
    four_momenta: NDArray[np.floating], *, wrap_azimuth: bool = False
) -> NDArray[np.float32]:
    """Preprocess jets for PFN.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded; constituents past the
            200th are ignored.
        wrap_azimuth: Whether phi - phi_J is taken into [-π, π) (corrects B3).

    Returns:
        (n, 600): pt [of the jet's scalar sum], eta, phi [rad] of 200 slots, interleaved.

    Raises:
        BadInput: If the array has another shape.
    """
    check_four_momenta(four_momenta)
    inputs = np.zeros((len(four_momenta), len(pfn_features())), np.float32)
    for rows in iter_slices(len(four_momenta)):
        constituents = four_momenta[rows, :PFN_CONSTITUENTS]
        slots = relative_constituents(constituents, jet_quantities(constituents), wrap_azimuth)
        inputs[rows, : slots[0].size] = slots.reshape(len(slots), -1)
    return inputs


def relative_constituents(
    four_momenta: NDArray[np.floating], jets: JetQuantities, wrap_azimuth: bool
) -> NDArray[np.float32]:
    """Return constituents relative to their jet.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        jets: The n jets: of these constituents, or of more.
        wrap_azimuth: Whether azimuths are taken into [-π, π).

    Returns:
        (n, k, 3) as pt / Σ pt, eta - eta_J, phi - phi_J, padding zeroed.
    """
    pt, eta, phi = cylindrical(four_momenta)
    # The authors' table of constituents is float32, the axis that is subtracted float64.
    eta_jet, phi_jet = jets.eta[:, None], jets.phi[:, None]
    eta = eta.astype(pt.dtype) - eta_jet
    phi = phi - phi_jet
    if wrap_azimuth:
        phi = wrap_angle(phi)
    share = np.zeros(pt.shape)
    np.divide(pt, jets.pt_sum[:, None], out=share, where=pt != 0)
    slots = np.stack([share, eta, phi], axis=2).astype(np.float32)
    slots[pt == 0] = 0
    return slots
