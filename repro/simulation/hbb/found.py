"""Found vertices: selecting, merging, and giving tracks to the primary or to a secondary vertex.

Source: CMSSW, RecoVertex/AdaptiveVertexFinder: InclusiveVertexFinder, VertexMerger and
TrackVertexArbitration.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.clusters import impact_of
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.tracker_parts import Finder, Merging
from repro.simulation.hbb.vertex_fit import Candidates, Fits, Measured, fit_vertices
from repro.simulation.particles import cylindrical, wrap_angle

__all__ = ["Found", "arbitrate", "distance_significance", "join", "merge", "select", "take"]

# Tracks of a vertex.
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class Found:
    """Vertices of all events, (m,).

    Attributes:
        event: Event of each.
        tracks: Their members and positions.
        covariance: (m, 3, 3), of the positions [cm²].
        normchi2, degrees_of_freedom: Of the fits.
    """

    event: IntArray
    tracks: Candidates
    covariance: FloatArray
    normchi2: FloatArray
    degrees_of_freedom: FloatArray

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Found":
        everyone = np.ones(len(self.tracks.members), dtype=bool)
        return Found(
            self.event[chosen],
            self.tracks.chosen(chosen, everyone),
            self.covariance[chosen],
            self.normchi2[chosen],
            self.degrees_of_freedom[chosen],
        )


def take(candidates: Candidates, fits: Fits, event: IntArray, finder: Finder) -> Found:
    """Return the fits that are vertices, with the members that have enough weight.

    Args:
        candidates: What was fitted, (m,).
        fits: The fits, (m,).
        event: Event of every track.
        finder: Its cuts.
    """
    member = fits.weights >= finder.min_weight
    counts = np.bincount(candidates.owner[member], minlength=len(candidates.counts))
    good = fits.valid & (counts >= _FEWEST)
    at = Candidates(candidates.members, candidates.counts, fits.position).chosen(good, member)
    return Found(
        event[at.members[at.offsets]],
        at,
        fits.covariance[good],
        fits.normchi2[good],
        fits.degrees_of_freedom[good],
    )


def select(found: Found, measured: Measured, primary: FloatArray, finder: Finder) -> Found:
    """Return the vertices that are away from the primary vertex, and whose tracks point away.

    Args:
        found: The vertices, (m,).
        measured: All tracks.
        primary: Covariances of the events' primary vertices [cm²], (events, 3, 3).
        finder: Its cuts.
    """
    if len(found) == 0:
        return found
    position, total = found.tracks.start, found.covariance + primary[found.event]
    heading = measured.helices.direction(np.zeros(len(measured.helices)))
    summed = np.add.reduceat(heading[found.tracks.members], found.tracks.offsets, axis=0)
    cosine = (summed * position).sum(axis=1) / np.maximum(
        np.linalg.norm(summed, axis=1) * np.linalg.norm(position, axis=1), 1e-12
    )
    return found[
        (distance_significance(position, total) > finder.vertex_min_significance)
        & (
            distance_significance(position[:, :2], total[:, :2, :2])
            > finder.vertex_min_significance_2d
        )
        & (cosine > finder.vertex_min_cosine)
        & (found.normchi2 < finder.vertex_max_normchi2)
    ]


def distance_significance(apart: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the lengths of vectors, (..., d), over their errors; 0 for no length."""
    squared = (apart**2).sum(axis=-1)
    variance = np.einsum("...i,...ij,...j->...", apart, covariance, apart)
    return np.asarray(squared / np.sqrt(np.where(squared > 0, variance, 1.0)))


def join(parts: list[Found]) -> Found:
    """Return the vertices of all parts, ascending in event and within it part after part."""
    event = np.concatenate([part.event for part in parts])
    counts = np.concatenate([part.tracks.counts for part in parts])
    order = np.argsort(event, kind="stable")
    owner = np.repeat(np.argsort(order), counts)
    members = np.concatenate([part.tracks.members for part in parts])
    start = np.concatenate([part.tracks.start for part in parts])
    return Found(
        event[order],
        Candidates(members[np.argsort(owner, kind="stable")], counts[order], start[order]),
        *(
            np.concatenate([getattr(part, name) for part in parts])[order]
            for name in ("covariance", "normchi2", "degrees_of_freedom")
        ),
    )


def merge(found: Found, merging: Merging) -> Found:
    """Return the vertices without those whose tracks are mostly another, close one's.

    One after the other, as CMSSW: a vertex goes if one that is still there has more than a part
    of its tracks, and not a greater part of that one's tracks are its own.
    """
    kept = np.ones(len(found), dtype=bool)
    _, first_of, number = np.unique(found.event, return_index=True, return_counts=True)
    offsets = np.append(found.tracks.offsets, len(found.tracks.members))
    for first, last in zip(first_of.tolist(), (first_of + number).tolist(), strict=True):
        members = found.tracks.members[offsets[first] : offsets[last]]
        counts = found.tracks.counts[first:last]
        kept[first:last] = _survivors(
            members, counts, found.tracks.start[first:last], found.covariance[first:last], merging
        )
    return found[kept]


def _survivors(
    members: IntArray,
    counts: IntArray,
    position: FloatArray,
    covariance: FloatArray,
    merging: Merging,
) -> NDArray[np.bool_]:
    """Return which vertices of one event stay."""
    tracks, column = np.unique(members, return_inverse=True)
    owns = np.zeros((len(counts), len(tracks)))
    owns[np.repeat(np.arange(len(counts)), counts), column] = 1.0
    # Row: whose tracks; column: who has them too.
    shared = owns @ owns.T / counts[:, None]
    significance = distance_significance(
        position[:, None] - position, covariance[:, None] + covariance
    )
    goes = (
        (shared > merging.max_shared)
        & (significance < merging.min_significance)
        & (shared >= shared.T)
    )
    np.fill_diagonal(goes, val=False)
    alive = np.ones(len(counts), dtype=bool)
    for row in range(len(counts)):
        alive[row] = not (goes[row] & alive).any()
    return alive


def arbitrate(
    found: Found, tracks: Tracks, measured: Measured, primary: FloatArray, finder: Finder
) -> Found:
    """Give tracks to the primary or the secondary vertex, and fit the secondary ones again.

    A vertex takes tracks that are close to it, and keeps those that are closer to it than to the
    primary vertex.

    Args:
        found: The vertices, (m,).
        tracks: All tracks, (n,), ascending in event.
        measured: The same tracks for fits.
        primary: Covariances of the events' primary vertices [cm²], (events, 3, 3).
        finder: Its cuts.
    """
    cuts = finder.arbitration
    first = np.searchsorted(tracks.event, found.event, side="left")
    number = np.searchsorted(tracks.event, found.event, side="right") - first
    vertex = np.repeat(np.arange(len(found)), number)
    track = np.arange(len(vertex)) + np.repeat(first - (np.cumsum(number) - number), number)
    is_member = np.zeros(len(vertex), dtype=bool)
    starts = np.cumsum(number) - number
    owner = found.tracks.owner
    is_member[starts[owner] + found.tracks.members - first[owner]] = True

    there, position = measured[track], found.tracks.start[vertex]
    to_secondary = impact_of(there, position, found.covariance[vertex])
    origin = np.zeros((len(tracks), 3))
    to_primary = impact_of(measured, origin, primary[tracks.event]).value[track]
    close = (to_secondary.value < cuts.max_distance) & (
        to_secondary.value < cuts.max_flight_fraction * np.linalg.norm(position, axis=1)
    )
    _, eta, phi = cylindrical(*position.T)
    beside = np.hypot(eta - tracks.eta[track], wrap_angle(phi - tracks.phi[track]))
    taken = is_member | (close & (to_secondary.significance < cuts.max_significance))
    kept = (
        taken
        & (close | is_member)
        & (to_secondary.value < to_primary)
        & (beside < cuts.max_delta_r)
    )
    counts = np.bincount(vertex[kept], minlength=len(found))
    again = Candidates(track, number, found.tracks.start).chosen(
        counts >= _FEWEST, kept & (counts >= _FEWEST)[vertex]
    )
    return take(again, fit_vertices(measured, again, finder.annealing), tracks.event, finder)
