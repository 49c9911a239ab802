"""Adaptive fits of many vertices at once.

Source: CMSSW's AdaptiveVertexFitter (R. Frühwirth, W. Waltenberger, P. Vanlaer, CMS NOTE
2007/008) with its geometric annealing.  Each track gives two coordinates at right angles to its
momentum; a vertex is the weighted least-squares solution, where a track's weight falls with its
own chi2.  Tracks are linearised anew at every step (CMSSW: after moves of 1 mm); momenta of
tracks are not fitted again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.tracker_parts import Annealing

__all__ = ["Candidates", "Fits", "Measured", "adaptive_weights", "fit_vertices"]

# What CMSSW's fitter assumes before any track: 1 m in each direction [1/cm²].
_PRIOR_INFORMATION = 1e-4
# Its ends: annealed below this temperature, a shift [cm], and the most steps.
_COLD = 1.02
_MAX_SHIFT = 1e-4
_MAX_STEPS = 25
# One step goes no further than this [cm]: nearly parallel tracks know little at first.
_MAX_STEP = 10.0
# Tracks of less weight do not make a vertex.
_SIGNIFICANT = 1e-3
# A vertex outside the tracker is none: CMSSW's TrackerBounds, radius and half length [cm].
_TRACKER_RADIUS, _TRACKER_LENGTH = 112.0, 273.5


@dataclass(frozen=True, eq=False)
class Measured:
    """Tracks as fits see them.

    Attributes:
        helices: Of (n,) tracks.
        covariance: CMS's, (n, 5, 5).
        field: The magnetic field [T].
    """

    helices: Helices
    covariance: FloatArray
    field: float

    def __getitem__(self, chosen: NDArray[np.bool_] | IntArray) -> "Measured":
        return Measured(self.helices[chosen], self.covariance[chosen], self.field)

    def errors_at(self, path: FloatArray) -> FloatArray:
        """Return the covariance of the two coordinates at these paths [cm²], (n, 2, 2)."""
        rows = self.helices.transport(path, self.field)
        return np.asarray(rows @ self.covariance @ rows.transpose(0, 2, 1))


@dataclass(frozen=True, eq=False)
class Candidates:
    """Sets of tracks, vertex after vertex.

    Attributes:
        members: (k,), rows of the tracks.
        counts: (m,), how many each vertex has; at least one.
        start: (m, 3), where its fit begins [cm].
    """

    members: IntArray
    counts: IntArray
    start: FloatArray

    @property
    def owner(self) -> IntArray:
        """(k,), vertex of each member."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def offsets(self) -> IntArray:
        """(m,), first member of each vertex."""
        return np.asarray(np.cumsum(self.counts) - self.counts)

    def chosen(self, vertices: NDArray[np.bool_], members: NDArray[np.bool_]) -> "Candidates":
        """Return these vertices with these of their members; none may be left empty."""
        owner = self.owner
        kept = members & vertices[owner]
        counts = np.bincount(owner[kept], minlength=len(self.counts))[vertices]
        return Candidates(self.members[kept], counts, self.start[vertices])


@dataclass(frozen=True, eq=False)
class Fits:
    """Fitted vertices.

    Attributes:
        position: (m, 3) [cm].
        covariance: (m, 3, 3) [cm²].
        weights: (k,), of the members.
        chi2: (m,), weighted sum.
        degrees_of_freedom: (m,), twice the sum of weights, less three without a constraint.
        valid: (m,), whether two tracks or more take part, inside the tracker.
    """

    position: FloatArray
    covariance: FloatArray
    weights: FloatArray
    chi2: FloatArray
    degrees_of_freedom: FloatArray
    valid: NDArray[np.bool_]

    @property
    def normchi2(self) -> FloatArray:
        """(m,), chi2 per degree of freedom; negative where there is less than none, as CMSSW's."""
        nonzero = np.where(self.degrees_of_freedom == 0, np.nan, self.degrees_of_freedom)
        return np.nan_to_num(self.chi2 / nonzero, nan=np.inf)


def fit_vertices(
    tracks: Measured,
    candidates: Candidates,
    annealing: Annealing,
    constraint: FloatArray | None = None,
) -> Fits:
    """Fit all candidates.

    Args:
        tracks: All tracks, (n,).
        candidates: Which of them are to meet, (m,) vertices.
        annealing: How weights are set; an infinite cut gives every track the weight one.
        constraint: Covariances of a prior position at the origin [cm²], (m, 3, 3).

    Returns:
        The fits, (m,).
    """
    number = len(candidates.counts)
    if number == 0:
        empty = np.zeros(0)
        none = np.zeros(0, dtype=bool)
        return Fits(np.zeros((0, 3)), np.zeros((0, 3, 3)), empty, empty, empty, none)
    owner = candidates.owner
    prior: FloatArray = np.zeros((number, 3, 3))
    if constraint is not None:
        prior = np.asarray(np.linalg.inv(constraint), dtype=np.float64)
    position = _settle(tracks, candidates, prior, annealing)
    _, last = _step(
        tracks[candidates.members],
        candidates,
        position,
        prior,
        annealing=annealing,
        temperature=1.0,
    )
    chi2 = np.add.reduceat(last.weights * last.chi2, candidates.offsets)
    chi2 += np.einsum("mi,mij,mj->m", position, prior, position)
    freedom = 2 * np.add.reduceat(last.weights, candidates.offsets)
    significant = np.bincount(owner[last.weights >= _SIGNIFICANT], minlength=number)
    return Fits(
        position=position,
        covariance=last.covariance,
        weights=last.weights,
        chi2=chi2,
        degrees_of_freedom=freedom - (3 if constraint is None else 0),
        valid=(significant >= 2) & _inside(position),
    )


def _inside(position: FloatArray) -> NDArray[np.bool_]:
    """Return which positions are inside the tracker, (m,)."""
    radius = np.hypot(position[:, 0], position[:, 1])
    return np.asarray((radius < _TRACKER_RADIUS) & (np.abs(position[:, 2]) < _TRACKER_LENGTH))


def _settle(
    tracks: Measured, candidates: Candidates, prior: FloatArray, annealing: Annealing
) -> FloatArray:
    """Return where the vertices come to rest [cm], (m, 3)."""
    position = candidates.start.copy()
    moving = np.arange(len(candidates.counts))
    current, chosen = candidates, tracks[candidates.members]
    temperature = annealing.temperature
    for _ in range(_MAX_STEPS):
        step, _ = _step(
            chosen,
            current,
            position[moving],
            prior[moving],
            annealing=annealing,
            temperature=temperature,
        )
        size = np.linalg.norm(step, axis=1)
        position[moving] += step * np.minimum(1, _MAX_STEP / np.maximum(size, 1e-12))[:, None]
        if temperature < _COLD:
            restless = size > _MAX_SHIFT
            if not restless.any():
                break
            moving = moving[restless]
            current = current.chosen(restless, np.ones(len(current.members), dtype=bool))
            chosen = tracks[current.members]
        temperature = 1 + (temperature - 1) * annealing.ratio
    return position


def adaptive_weights(
    chi2: FloatArray, annealing: Annealing, temperature: float = 1.0
) -> FloatArray:
    """Return the weights of tracks with these chi2, (n,): one half at the cut."""
    exponent = (chi2 - annealing.cut**2) / (2 * temperature)
    # Beyond, the weight is 0 to rounding, and its exponential too large.
    return np.asarray(1 / (1 + np.exp(np.minimum(exponent, 700.0))))


@dataclass(frozen=True, eq=False)
class _State:
    """chi2 and weights of members, (k,); covariances of vertices, (m, 3, 3)."""

    chi2: FloatArray
    weights: FloatArray
    covariance: FloatArray


def _step(
    tracks: Measured,
    candidates: Candidates,
    position: FloatArray,
    prior: FloatArray,
    *,
    annealing: Annealing,
    temperature: float,
) -> tuple[FloatArray, _State]:
    """Return how far each vertex has to move, and how things are where it is."""
    points = position[candidates.owner]
    approach = tracks.helices.approach(points)
    residual = np.einsum("kij,kj->ki", approach.normal, approach.position - points)
    information = _inverse(tracks.errors_at(approach.path))
    chi2 = np.einsum("ki,kij,kj->k", residual, information, residual)
    weights = adaptive_weights(chi2, annealing, temperature)
    pull = approach.normal.transpose(0, 2, 1) @ (weights[:, None, None] * information)
    matrix = np.add.reduceat(pull @ approach.normal, candidates.offsets, axis=0) + prior
    matrix += _PRIOR_INFORMATION * np.eye(3)
    towards = np.add.reduceat(np.einsum("kij,kj->ki", pull, residual), candidates.offsets, axis=0)
    towards -= np.einsum("mij,mj->mi", prior, position)
    covariance = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    return np.einsum("mij,mj->mi", covariance, towards), _State(chi2, weights, covariance)


def _inverse(matrices: FloatArray) -> FloatArray:
    """Return the inverses of symmetric 2 x 2 matrices, (n, 2, 2): several times LAPACK's speed."""
    first, both, second = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 1]
    determinant = first * second - both**2
    found = np.empty_like(matrices)
    found[:, 0, 0], found[:, 1, 1] = second / determinant, first / determinant
    found[:, 0, 1] = found[:, 1, 0] = -both / determinant
    return found
