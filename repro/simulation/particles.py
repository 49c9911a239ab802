"""Particles of many events at once, as flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray

__all__ = ["PION_MASS", "Objects", "Particles", "cylindrical", "join_by_event", "wrap_angle"]

PION_MASS = 0.13957039
"""Of the charged pion [GeV]."""


@dataclass(frozen=True, eq=False)
class Particles:
    """Final particles of a batch of events; all arrays have shape (particles,).

    Attributes:
        event: Position of the particle's event in the batch, ascending.
        pdg: PDG id.
        charge: In units of the positron's.
        px, py, pz, energy: Momentum and energy [GeV].
        x, y, z: Where the particle was made [m].
    """

    event: IntArray
    pdg: IntArray
    charge: FloatArray
    px: FloatArray
    py: FloatArray
    pz: FloatArray
    energy: FloatArray
    x: FloatArray
    y: FloatArray
    z: FloatArray

    @property
    def momentum(self) -> FloatArray:
        """(particles, 3), px, py and pz [GeV]."""
        return np.stack([self.px, self.py, self.pz], axis=1)

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: NDArray[np.bool_] | IntArray) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


class _OfEvents(Protocol):
    """Arrays of a dataclass that are chosen from together."""

    @property
    def event(self) -> IntArray: ...

    def __getitem__(self, chosen: IntArray, /) -> Self: ...


_T = TypeVar("_T", bound=_OfEvents)


def join_by_event(parts: Sequence[_T]) -> _T:
    """Return what all parts hold, ascending in event and within an event part after part.

    Args:
        parts: Of one kind, such as :class:`Particles`; one or more.
    """
    kind: Any = type(parts[0])
    joined: _T = kind(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(kind)}
    )
    return joined[np.argsort(joined.event, kind="stable")]


@dataclass(frozen=True, eq=False)
class Objects:
    """Massless objects of a batch of events, such as energy flow; arrays of shape (objects,).

    Attributes:
        event: Position of the object's event in the batch.
        px, py, pz: Momentum [GeV].
    """

    event: IntArray
    px: FloatArray
    py: FloatArray
    pz: FloatArray

    @classmethod
    def from_cylindrical(
        cls, event: IntArray, pt: FloatArray, eta: FloatArray, phi: FloatArray
    ) -> Self:
        """Return objects with these transverse momenta [GeV], pseudorapidities and azimuths."""
        return cls(event, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))

    @property
    def energy(self) -> FloatArray:
        """Energy, which is the momentum's size [GeV]."""
        return np.sqrt(self.px**2 + self.py**2 + self.pz**2)

    def __len__(self) -> int:
        return len(self.event)


def cylindrical(
    x: FloatArray, y: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return transverse size, pseudorapidity and azimuth of vectors.

    Along the beam the pseudorapidity is infinite.

    >>> [round(float(part[0]), 3) for part in cylindrical(*np.array([[3.0], [4.0], [0.0]]))]
    [5.0, 0.0, 0.927]
    """
    transverse = np.hypot(x, y)
    with np.errstate(divide="ignore"):
        eta = np.where(transverse > 0, np.arcsinh(z / np.where(transverse > 0, transverse, 1)), 0)
    eta = np.where(transverse > 0, eta, np.copysign(np.inf, z))
    return transverse, eta, np.arctan2(y, x)


def wrap_angle(angle: NDArray[Any]) -> NDArray[Any]:
    """Return angles in [-π, π).

    >>> wrap_angle(np.array([0.5, 6.0])).round(4)
    array([ 0.5   , -0.2832])
    """
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)
