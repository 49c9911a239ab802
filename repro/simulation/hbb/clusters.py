"""Tracks near displaced tracks: where secondary vertices may be.

Source: CMSSW's TracksClusteringFromDisplacedSeed.  Every displaced track is a seed; the tracks
of its event that come close to it, away from the primary vertex and ahead of it, are its cluster.
"""

from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.helix import closest_pairs
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.tracker_parts import Finder
from repro.simulation.hbb.vertex_fit import Candidates, Measured

__all__ = ["Impact", "find_clusters", "impact_of"]


@dataclass(frozen=True, eq=False)
class Impact:
    """Three-dimensional impact parameters, (n,): value [cm] and its error."""

    value: FloatArray
    error: FloatArray

    @property
    def significance(self) -> FloatArray:
        """Value over error."""
        return self.value / self.error


def impact_of(tracks: Measured, points: FloatArray, covariance: FloatArray) -> Impact:
    """Return the least distances of tracks to points, the points' errors included.

    Args:
        tracks: The tracks, (n,).
        points: One for each [cm], (n, 3).
        covariance: Of the points [cm²], (n, 3, 3).
    """
    approach = tracks.helices.approach(points)
    apart = np.einsum("nij,nj->ni", approach.normal, approach.position - points)
    value = np.maximum(np.linalg.norm(apart, axis=1), 1e-12)
    total = tracks.errors_at(approach.path)
    total = total + approach.normal @ covariance @ approach.normal.transpose(0, 2, 1)
    along = apart / value[:, None]
    return Impact(value, np.sqrt(np.einsum("ni,nij,nj->n", along, total, along)))


def find_clusters(
    tracks: Tracks, measured: Measured, primary: FloatArray, finder: Finder
) -> Candidates:
    """Return clusters of two tracks or more, in the order of their seeds.

    Pairs of tracks that leave the primary vertex in opposite halves of space are not looked at
    (CMSSW allows what ``cluster_min_cosine`` allows, up to 120 degrees).

    Args:
        tracks: Of all events, (n,).
        measured: The same tracks for fits.
        primary: Covariances of the events' primary vertices [cm²], (events, 3, 3).
        finder: Its cuts.
    """
    origin = np.zeros((len(tracks), 3))
    impact = impact_of(measured, origin, primary[tracks.event])
    usable = (tracks.pt > finder.min_pt) & (np.abs(tracks.dz) < finder.max_dz)
    seeds = np.flatnonzero(
        usable
        & (impact.value >= finder.seed_min_ip)
        & (impact.significance >= finder.seed_min_significance)
        & (impact.significance <= finder.seed_max_significance)
    )
    seed, other = _pairs(tracks.event, seeds, np.flatnonzero(usable))
    heading = measured.helices.direction(np.zeros(len(tracks)))
    ahead = (heading[seed] * heading[other]).sum(axis=1) > 0
    seed, other = seed[ahead], other[ahead]
    paths = closest_pairs(measured.helices[seed], measured.helices[other])
    points = measured.helices[seed].position(paths[0]), measured.helices[other].position(paths[1])
    apart = points[1] - points[0]
    distance = np.maximum(np.linalg.norm(apart, axis=1), 1e-9)
    flight = np.maximum(np.linalg.norm(points[0], axis=1), 1e-9)
    error = _distance_error(measured, seed, other, apart / distance[:, None])
    near = (
        (distance < finder.cluster_max_significance * error)
        & (distance < finder.cluster_max_distance)
        & (distance * finder.distance_ratio < flight)
        & (_cosine(points[0], heading[seed]) > finder.cluster_min_cosine)
        & (_cosine(points[1], heading[other]) > finder.cluster_min_cosine)
    )
    weight = (flight**2 / (impact.value[seed] * distance))[near]
    crossing = ((points[0] + points[1]) / 2)[near]
    return _gather(seed[near], other[near], weight, crossing, finder.max_tracks)


def _pairs(event: IntArray, seeds: IntArray, usable: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of a seed and another track of its event, seed after seed."""
    first = np.searchsorted(event[usable], event[seeds], side="left")
    number = np.searchsorted(event[usable], event[seeds], side="right") - first
    seed = np.repeat(seeds, number)
    within = np.arange(len(seed)) - np.repeat(np.cumsum(number) - number, number)
    other = usable[np.repeat(first, number) + within]
    distinct = seed != other
    return seed[distinct], other[distinct]


def _cosine(point: FloatArray, heading: FloatArray) -> FloatArray:
    size = np.maximum(np.linalg.norm(point, axis=1), 1e-12)
    return np.asarray((point * heading).sum(axis=1) / size)


def _distance_error(
    measured: Measured, seed: IntArray, other: IntArray, along: FloatArray
) -> FloatArray:
    """Return the error of distances [cm] from the positions' errors at the perigees, as CMSSW."""
    perigees = measured.helices.position(np.zeros(len(measured.helices)))
    normal = measured.helices.approach(perigees).normal
    variance = np.zeros(len(seed))
    for rows in (seed, other):
        parts = np.einsum("nij,nj->ni", normal[rows], along)
        variance += np.einsum("ni,nij,nj->n", parts, measured.covariance[rows][:, 3:, 3:], parts)
    return np.sqrt(variance)


def _gather(
    seed: IntArray, other: IntArray, weight: FloatArray, crossing: FloatArray, most: int
) -> Candidates:
    rows, counts = np.unique(seed, return_counts=True)
    if len(rows) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return Candidates(nothing, nothing, np.zeros((0, 3)))
    offsets = np.cumsum(counts) - counts
    start = np.add.reduceat(weight[:, None] * crossing, offsets, axis=0)
    start /= np.add.reduceat(weight, offsets)[:, None]
    found = Candidates(np.insert(other, offsets, rows), counts + 1, start)
    return found.chosen(found.counts <= most, np.ones(len(found.members), dtype=bool))
