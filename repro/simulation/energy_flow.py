"""Energy flow in one calorimeter: what the cells add to the tracks that enter them.

Two algorithms, by name:

``replace`` (Delphes up to 3.3)
    Where the calorimeter measures a track's energy better than the tracker measured its pt,
    the calorimeter replaces the track.  The energy of all other tracks is subtracted from the
    cell.  If the cell has tracks to be replaced, they share what is left; if not, what is left
    becomes a neutral object, if it is over the thresholds.

``combine`` (Delphes from 3.4)
    The energy of all tracks is subtracted.  A significant excess becomes a neutral object; else
    all tracks of the cell are scaled to the mean of both measurements, each weighted with its
    resolution.

Source: Delphes (arXiv:1307.6346, section 3.4) and the behaviour of its releases 3.3.2 and 3.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.simulation.card import Calorimeter

__all__ = ["FLOWS", "CellTracks", "Flow"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


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
class Flow:
    """What an algorithm decides.

    Attributes:
        scale: (tracks,), factor of each track's momentum; 0 drops it.
        neutral: (cells,), energy of the neutral object in each cell [GeV]; 0 for none.
    """

    scale: FloatArray
    neutral: FloatArray


Algorithm = Callable[[Calorimeter, CellTracks, FloatArray, FloatArray], Flow]


def _replace(
    calorimeter: Calorimeter, tracks: CellTracks, energy: FloatArray, eta: FloatArray
) -> Flow:
    cells = len(energy)
    own = calorimeter.resolution.of_energy(eta[tracks.cell], tracks.energy) / tracks.energy
    replaced = own < tracks.resolution
    kept_energy = _sum(tracks.cell[~replaced], tracks.energy[~replaced], cells)
    replaced_energy = _sum(tracks.cell[replaced], tracks.energy[replaced], cells)
    excess = calorimeter.seen(energy - kept_energy, eta)
    has_replaced = replaced_energy > 0
    factor = np.divide(excess, replaced_energy, out=np.zeros(cells), where=has_replaced)
    return Flow(
        scale=np.where(replaced, factor[tracks.cell], 1.0),
        neutral=np.where(has_replaced, 0.0, excess),
    )


def _combine(
    calorimeter: Calorimeter, tracks: CellTracks, energy: FloatArray, eta: FloatArray
) -> Flow:
    cells = len(energy)
    track_energy = _sum(tracks.cell, tracks.energy, cells)
    track_variance = _sum(tracks.cell, (tracks.resolution * tracks.energy) ** 2, cells)
    cell_variance = calorimeter.resolution.of_energy(eta, energy) ** 2
    excess = np.maximum(energy - track_energy, 0.0)
    sigma = np.sqrt(track_variance + cell_variance)
    neutral = (excess > calorimeter.threshold) & (excess > calorimeter.significance * sigma)
    best = _weighted_mean(track_energy, track_variance, energy, cell_variance)
    factor = np.divide(best, track_energy, out=np.ones(cells), where=track_energy > 0)
    factor[neutral] = 1.0
    return Flow(scale=factor[tracks.cell], neutral=np.where(neutral, excess, 0.0))


FLOWS: dict[str, Algorithm] = {"replace": _replace, "combine": _combine}
"""Algorithms by the name that cards give them.

Each takes the calorimeter, its tracks, the energy measured in each cell [GeV] and eta of the
cells' centres.
"""


def _weighted_mean(
    first: FloatArray, first_variance: FloatArray, second: FloatArray, second_variance: FloatArray
) -> FloatArray:
    """Return the mean weighted with the inverse variances; one without variance counts alone."""
    total = first_variance + second_variance
    weight = np.divide(second_variance, total, out=np.ones_like(total), where=total > 0)
    return weight * first + (1 - weight) * second


def _sum(cell: IntArray, values: FloatArray, cells: int) -> FloatArray:
    total: FloatArray = np.bincount(cell, weights=values, minlength=cells).astype(np.float64)
    return total
