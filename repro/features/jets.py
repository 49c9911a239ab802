"""Jet quantities from constituents: four-momentum, axis, mass, scalar pt sum, count.

Source: the data sets of PFN and PFIN in FAIR4HEP/xAI4toptagger; azimuth and pseudorapidity
through the polar angle, zero where a vector has no direction.

Precision follows the input.  The authors summed float32 columns with pandas, which adds them
one after the other in float32; float32 momenta are therefore added in that order and
precision here, since PFIN's pair masses see the last bits (quirk B17).  float64 momenta are
computed in float64 throughout, as MBNS has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.simulation.particles import wrap_angle

__all__ = [
    "JetQuantities",
    "check_four_momenta",
    "cylindrical",
    "iter_slices",
    "jet_quantities",
    "wrap_angle",
]

_Floats = NDArray[Any]

# 4096 jets of 200 constituents are 13 MB in float32.
_JETS_PER_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class JetQuantities:
    """What the constituents of each jet add up to.

    Attributes:
        energy: (n,), GeV.
        mass: (n,), GeV, sqrt(|E² - px² - py² - pz²|).
        pt: (n,), GeV, of the vector sum.
        eta: (n,), pseudorapidity of the vector sum.
        phi: (n,), its azimuth in rad, in [-π, π].
        pt_sum: (n,), GeV, scalar sum of the constituents' pt.
        constituents: (n,), number of constituents with E ≠ 0.
    """

    energy: FloatArray
    mass: FloatArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    pt_sum: FloatArray
    constituents: NDArray[np.int64]


def jet_quantities(four_momenta: NDArray[np.floating]) -> JetQuantities:
    """Return the quantities of each jet.

    Args:
        four_momenta: (n, k, 4) as E, px, py, pz in GeV, zero padded.

    Returns:
        Arrays (n,), in float64, computed in the precision of ``four_momenta``.

    Raises:
        BadInput: If the array has another shape.

    >>> jets = jet_quantities(np.array([[[5.0, 3, 0, 4], [5, -3, 0, 4]]]))
    >>> print(jets.mass[0], jets.pt[0], jets.pt_sum[0], jets.constituents[0])
    6.0 0.0 6.0 2
    """
    check_four_momenta(four_momenta)
    floats = np.empty((6, len(four_momenta)))
    counts = np.empty(len(four_momenta), np.int64)
    for rows in iter_slices(len(four_momenta)):
        chunk = four_momenta[rows]
        # Momenta that no collider has overflow; what comes of them is infinite or NaN.
        with np.errstate(over="ignore", invalid="ignore"):
            floats[:, rows] = _floats(chunk)
        counts[rows] = (chunk[..., 0] != 0).sum(axis=1)
    energy, mass, pt, eta, phi, pt_sum = floats
    return JetQuantities(energy, mass, pt, eta, phi, pt_sum, counts)


def cylindrical(four_momenta: NDArray[np.floating]) -> tuple[_Floats, _Floats, _Floats]:
    """Return pt, eta and phi of vectors; zero where a vector has no direction.

    Args:
        four_momenta: (..., 4) as E, px, py, pz in GeV; float32 or float64.

    Returns:
        pt [GeV] and phi [rad] in the precision of the input, and eta in float64, each (...).
        eta is 0 along the beam.
    """
    vectors = four_momenta.astype(np.result_type(four_momenta, np.float32), copy=False)
    pt, eta, phi = (np.zeros(vectors.shape[:-1], kind) for kind in (vectors.dtype, float, float))
    phi = phi.astype(vectors.dtype)
    filled = (vectors[..., 1:] != 0).any(axis=-1)
    px, py, pz = np.moveaxis(vectors[filled], -1, 0)[1:]
    pt[filled] = transverse = np.sqrt(px * px + py * py)
    # The authors' polar angle is float32 and its cosine float64.
    cosine = np.cos(np.arctan2(transverse, pz).astype(np.float64))
    inside = (transverse > 0) & (cosine**2 < 1)
    cosine = np.where(inside, cosine, 0.0)
    eta[filled] = np.where(inside, -0.5 * np.log((1 - cosine) / (1 + cosine)), 0.0)
    phi[filled] = np.where(transverse > 0, np.arctan2(py, px), 0)
    return pt, eta, phi


def iter_slices(jets: int, chunk: int = _JETS_PER_CHUNK) -> Iterator[slice]:
    """Yield the slices of consecutive chunks.

    >>> list(iter_slices(5, 4))
    [slice(0, 4, None), slice(4, 8, None)]
    """
    return (slice(start, start + chunk) for start in range(0, jets, chunk))


def check_four_momenta(four_momenta: NDArray[np.floating]) -> None:
    """Check the shape.

    Raises:
        BadInput: If the array is not (jets, constituents, 4).
    """
    if four_momenta.ndim != 3 or four_momenta.shape[2] != 4:
        raise BadInput(
            f"four-momenta have shape {four_momenta.shape}: expected (jets, constituents, 4)"
        )


def _floats(chunk: NDArray[np.floating]) -> list[_Floats]:
    total = _sum_in_order(chunk)
    energy, px, py, pz = total.T
    pt, eta, phi = cylindrical(total)
    mass = np.sqrt(np.abs(energy**2 - px**2 - py**2 - pz**2))
    constituent_pt = np.sqrt(chunk[..., 1] ** 2 + chunk[..., 2] ** 2)
    return [energy, mass, pt, eta, phi, _sum_in_order(constituent_pt)]


def _sum_in_order(values: _Floats) -> _Floats:
    """Add along axis 1 one after the other; numpy's sum would add in pairs."""
    if values.shape[1] == 0:
        return np.zeros(values.shape[:1] + values.shape[2:], values.dtype)
    return np.asarray(np.cumsum(values, axis=1)[:, -1])
