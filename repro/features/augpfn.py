"""The inputs of AugPFN: PFN's constituents, then the subjettiness that joins its latent space.

Source: FAIR4HEP/xAI4toptagger, history before the notebook was deleted (dossier, T5): tau_1 to
tau_7 with exponent 1, without a scale.  As published, a jet of fewer than 8 constituents has zeros
(quirk B16).
"""

import numpy as np
from numpy.typing import NDArray

from repro.errors import BadInput
from repro.features.pfn import pfn_features, pfn_inputs
from repro.features.subjettiness import subjettiness, subjettiness_features

__all__ = ["AUGMENTED", "augpfn_features", "augpfn_inputs"]

AUGMENTED = tuple(f"tau_{n}_1" for n in range(1, 8))
"""Names of the columns that join the latent space."""


def augpfn_features() -> tuple[str, ...]:
    """Return the names of the 607 input columns.

    >>> augpfn_features()[-8:-5], len(augpfn_features())
    (('phi_199', 'tau_1_1', 'tau_2_1'), 607)
    """
    return pfn_features() + AUGMENTED


def augpfn_inputs(
    four_momenta: NDArray[np.floating],
    taus: NDArray[np.floating] | None = None,
    *,
    wrap_azimuth: bool = False,
    small_jets: bool = False,
) -> NDArray[np.float32]:
    """Preprocess jets for AugPFN.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.
        taus: (n, 24) if they are known; computed if not given.
        wrap_azimuth: Whether azimuth is taken modulo 2π (corrects B3).
        small_jets: Whether subjettiness is computed for jets of fewer than 8 constituents
            (corrects B16).

    Returns:
        (n, 607): the inputs of PFN, then tau_1 to tau_7 with exponent 1; zeros where a jet has
        no subjettiness.

    Raises:
        BadInput: If an array has another shape.
        NotAvailable: If subjettiness is to be computed and fastjet is not installed.
    """
    names = subjettiness_features()
    if taus is None:
        taus = subjettiness(four_momenta, wrap_azimuth=wrap_azimuth, small_jets=small_jets)
    if taus.shape != (len(four_momenta), len(names)):
        raise BadInput(f"subjettiness {taus.shape} does not fit {len(four_momenta)} jets")
    chosen = np.nan_to_num(taus[:, [names.index(name) for name in AUGMENTED]], nan=0.0)
    constituents = pfn_inputs(four_momenta, wrap_azimuth=wrap_azimuth)
    return np.concatenate([constituents, chosen.astype(np.float32)], axis=1)
