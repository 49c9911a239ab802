"""The inputs of TopoDNN: translate, rotate and flip the 30 leading constituents.

Source: preprocessing of arXiv:2210.04371 (after arXiv:1704.02124).  The leading
constituent goes to the origin of the (eta, phi) plane, the second one below it
(eta 0, phi <= 0), and the side with more pt has eta > 0.

The authors read float32 momenta and took pt, eta and phi in float32, everything later in
float64 (their stored jets show it: azimuths relative to the leading constituent are multiples
of 2^-22 or finer powers of two).  For most jets this is the eighth digit; but in one jet of 45
the two leading constituents share a calorimeter cell, so that rounding alone is the direction
that the image is turned by.  Both equal in float32 means a turn by pi/2, as published.

The authors' flip multiplied two pandas frames with different column names: pandas 1.4
ignored the names, pandas 2 aligns them and silently never flips.  Plain arrays have no
such trap.
"""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.errors import BadInput

__all__ = ["TOPODNN", "TopodnnLayout", "topodnn_features", "topodnn_inputs"]

_Floats = NDArray[Any]


@dataclass(frozen=True)
class TopodnnLayout:
    """Layout of TopoDNN's input row.

    Attributes:
        constituents: Number of leading constituents.
        pt_scale: Unit of pt in GeV.
        quantities: Names of the quantities of one constituent, in order.
        units: Their units.
    """

    constituents: int
    pt_scale: float
    quantities: tuple[str, ...]
    units: tuple[str, ...]


@functools.cache
def _layout() -> TopodnnLayout:
    text = resources.files("repro.features").joinpath("topodnn.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return TopodnnLayout(
        constituents=data["constituents"],
        pt_scale=data["pt_scale"],
        quantities=tuple(quantity["name"] for quantity in data["quantity"]),
        units=tuple(quantity["unit"] for quantity in data["quantity"]),
    )


TOPODNN = _layout()


def topodnn_features() -> tuple[str, ...]:
    """Return the names of the 90 input columns.

    >>> topodnn_features()[:4], len(topodnn_features())
    (('pt_0', 'eta_0', 'phi_0', 'pt_1'), 90)
    """
    return tuple(f"{q}_{i}" for i in range(TOPODNN.constituents) for q in TOPODNN.quantities)


def topodnn_inputs(four_momenta: NDArray[np.floating]) -> FloatArray:
    """Preprocess jets for TopoDNN.

    Args:
        four_momenta: (jets, constituents, 4) as E, px, py, pz in GeV, ordered by pt and
            zero padded; constituents past the 30th are ignored.  float32, as the data set
            has it, for the authors' inputs; float64 is computed in float64 throughout.

    Returns:
        (jets, 90): pt [1679.16 GeV], eta, phi of 30 constituents, interleaved.

    Raises:
        BadInput: If the array does not have this shape.
    """
    if four_momenta.ndim != 3 or four_momenta.shape[2] != 4:
        raise BadInput(
            f"four-momenta have shape {four_momenta.shape}: expected (jets, constituents, 4)"
        )
    precision = np.result_type(four_momenta, np.float32)
    leading = np.zeros((len(four_momenta), TOPODNN.constituents, 3), precision)
    kept = min(TOPODNN.constituents, four_momenta.shape[1])
    leading[:, :kept] = four_momenta[:, :kept, 1:]

    pt, eta, phi = (part.astype(np.float64) for part in _cylindrical(*_components(leading)))
    pt /= TOPODNN.pt_scale
    eta -= eta[:, :1]
    phi -= phi[:, :1]

    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    angle = np.arctan2(py[:, 1], pz[:, 1])[:, None] + np.pi / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    pt, eta, phi = _cylindrical(px, py * cosine - pz * sine, pz * cosine + py * sine)

    eta *= np.where((pt * eta).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    return np.stack([pt, eta, phi], axis=2).reshape(len(pt), len(topodnn_features()))


def _components(vectors: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    return vectors[..., 0], vectors[..., 1], vectors[..., 2]


def _cylindrical(px: _Floats, py: _Floats, pz: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Return pt, eta, phi; eta and phi are 0 for empty slots and along the beam.

    Through the polar angle, as the authors do: the last bits of eta depend on the way.
    Products of zero and a negative cosine are -0.0, of which arctan2 makes π: empty slots
    are therefore set to 0 by name.
    """
    pt = np.sqrt(px**2 + py**2)
    cosine = np.cos(np.arctan2(pt, pz))
    transverse = cosine**2 < 1
    inside = np.where(transverse, cosine, 0.0)
    eta = np.where(transverse, -0.5 * np.log((1 - inside) / (1 + inside)), 0.0)
    return pt, eta, np.where(pt > 0, np.arctan2(py, px), 0.0)
