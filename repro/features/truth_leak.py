"""The inputs of PFN with the truth leak of the paper's first version (quirk B1), on purpose.

Until February 2023 the axis of a jet was summed over every column with PX, PY or PZ in its name.
The truth momentum is among them: zero for QCD jets, that of the top quark for top jets.  So top
jets are seen relative to an axis that is not theirs.

Source: FAIR4HEP/xAI4toptagger, history of the data set of PFN before and after the correction.
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.jets import Jets
from repro.errors import BadInput, MissingData
from repro.features.jets import iter_slices, jet_quantities
from repro.features.pfn import PFN_CONSTITUENTS, QUANTITIES, pfn_inputs

__all__ = ["leaky_pfn_inputs", "transverse_imbalance", "truth_of"]


def truth_of(jets: Jets) -> NDArray[np.floating]:
    """Return the truth momenta of jets.

    Returns:
        (n, 4) as E, px, py, pz in GeV, zero for QCD jets, in the precision of the constituents.

    Raises:
        MissingData: If a top jet has no truth momentum.
    """
    if not jets.truth[jets.labels == 1, 1:].any(axis=1).all():
        raise MissingData(
            "these jets have no truth momenta, of which inputs with the leak are made: "
            "use --data embedded or paper"
        )
    return jets.truth.astype(jets.four_momenta.dtype)


def leaky_pfn_inputs(
    four_momenta: NDArray[np.floating], truth: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Preprocess jets for PFN relative to an axis that has the truth momentum in it.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        truth: (n, 4), the truth momentum likewise.

    Returns:
        (n, 600) as :func:`repro.features.pfn.pfn_inputs`, azimuth not wrapped (quirk B3).

    Raises:
        BadInput: If an array has another shape.
    """
    inputs = pfn_inputs(four_momenta)
    if truth.shape != (len(inputs), 4):
        raise BadInput(f"truth momenta {truth.shape} do not fit {len(inputs)} jets: give (n, 4)")
    for rows in iter_slices(len(inputs)):
        constituents = four_momenta[rows, :PFN_CONSTITUENTS]
        momentum = truth[rows, None].astype(constituents.dtype)
        own = jet_quantities(constituents)
        leaky = jet_quantities(np.concatenate([constituents, momentum], axis=1))
        shift = np.stack([np.zeros(len(own.eta)), own.eta - leaky.eta, own.phi - leaky.phi], axis=1)
        slots = _slots(inputs[rows])
        inputs[rows] += np.where(slots[..., :1] != 0, shift[:, None], 0).reshape(len(slots), -1)
    return inputs


def transverse_imbalance(inputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far the constituents' momenta are from balancing across the axis of their jet.

    The axis of a jet is the direction of its constituents' sum, about which momenta across it
    cancel; about any other axis they do not.

    Args:
        inputs: (n, 600), of PFN.

    Returns:
        (n,), abs(Σ pt sin(phi - phi_J)) in units of Σ pt.
    """
    pt, _, phi = np.moveaxis(_slots(inputs).astype(np.float64), 2, 0)
    return np.asarray(np.abs((pt * np.sin(phi)).sum(axis=1)))


def _slots(inputs: NDArray[np.floating]) -> NDArray[np.floating]:
    return inputs.reshape(len(inputs), PFN_CONSTITUENTS, len(QUANTITIES))
