"""Energy flow in one calorimeter: what the cells add to the tracks that enter them.

Two algorithms, by name:

``replace`` (Delphes up to 3.3)
    Where the calorimeter measures a track's energy better than the tracker measured its pt,
    the calorimeter replaces the track.  The energy of all other tracks is subtracted from the
    cell.  If the cell has tracks to be replaced, they share what is left; if not, what is left
    becomes a neutral object, if it is over the thresholds.  Tracks that are replaced already have
    all that is left: a neutral object beside them would count it twice.

``combine`` (Delphes from 3.4)
    The energy of all tracks is subtracted.  A significant excess becomes a neutral object; else
    all tracks of the cell are scaled to the mean of both measurements, each weighted with its
    resolution.

Source: Delphes (arXiv:1307.6346, section 3.4) and the behaviour of its releases 3.3.2 and 3.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.card import Calorimeter

__all__ = ["FLOWS", "CellTracks", "Cells", "Flow"]


@dataclass(frozen=True, eq=False)
class CellTracks:
    """Tracks in the cells of one calorimeter; arrays of shape (tracks,).

    Attributes:
        cell: Position of the cell that the track enters.
        energy: Measured energy [GeV].
        resolution: Relative resolution of the tracker.
    """

    cell: IntArray
    energy: FloatArray
    resolution: FloatArray


@dataclass(frozen=True, eq=False)
class Cells:
    """What one calorimeter measures in its cells; arrays of shape (cells,).

    Attributes:
        energy: Measured energy [GeV]; 0 where it is below the thresholds.
        sigma: Resolution of the energy that was measured, thresholds apart [GeV].
        eta: Of the cell's centre.
    """

    energy: FloatArray
    sigma: FloatArray
    eta: FloatArray


@dataclass(frozen=True, eq=False)
class Flow:
    """What an algorithm decides.

    Attributes:
        scale: (tracks,), factor of each track's momentum; 0 drops it.
        neutral: (cells,), energy of the neutral object in each cell [GeV]; 0 for none.
    """

    scale: FloatArray
    neutral: FloatArray


Algorithm = Callable[[Calorimeter, CellTracks, Cells], Flow]


def _replace(calorimeter: Calorimeter, tracks: CellTracks, cells: Cells) -> Flow:
    energy, eta = cells.energy, cells.eta
    own = calorimeter.resolution.of_energy(eta[tracks.cell], tracks.energy) / tracks.energy
    replaced = own < tracks.resolution
    kept_energy = _sum(tracks.cell[~replaced], tracks.energy[~replaced], len(energy))
    replaced_energy = _sum(tracks.cell[replaced], tracks.energy[replaced], len(energy))
    excess = np.maximum(energy - kept_energy, 0.0)
    has_replaced = replaced_energy > 0
    factor = np.divide(excess, replaced_energy, out=np.zeros_like(excess), where=has_replaced)
    return Flow(
        scale=np.where(replaced, factor[tracks.cell], 1.0),
        neutral=np.where(has_replaced, 0.0, calorimeter.seen(excess, eta)),
    )


def _combine(calorimeter: Calorimeter, tracks: CellTracks, cells: Cells) -> Flow:
    count = len(cells.energy)
    track_energy = _sum(tracks.cell, tracks.energy, count)
    track_variance = _sum(tracks.cell, (tracks.resolution * tracks.energy) ** 2, count)
    excess = np.maximum(cells.energy - track_energy, 0.0)
    sigma = np.sqrt(track_variance + cells.sigma**2)
    neutral = (excess > calorimeter.threshold) & (excess > calorimeter.significance * sigma)
    best = _weighted_mean(track_energy, track_variance, cells.energy, cells.sigma**2)
    factor = np.divide(best, track_energy, out=np.ones(count), where=track_energy > 0)
    factor[neutral] = 1.0
    return Flow(scale=factor[tracks.cell], neutral=np.where(neutral, excess, 0.0))


FLOWS: dict[str, Algorithm] = {"replace": _replace, "combine": _combine}
"""Algorithms by the name that cards give them."""


def _weighted_mean(
    first: FloatArray, first_variance: FloatArray, second: FloatArray, second_variance: FloatArray
) -> FloatArray:
    """Return the mean weighted with the inverse variances; one without variance has no weight."""
    one, two = (
        np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0)
        for variance in (first_variance, second_variance)
    )
    total = one + two
    mean = np.divide(one * first + two * second, total, out=first.copy(), where=total > 0)
    return np.asarray(mean)


def _sum(cell: IntArray, values: FloatArray, cells: int) -> FloatArray:
    total: FloatArray = np.bincount(cell, weights=values, minlength=cells).astype(np.float64)
    return total
