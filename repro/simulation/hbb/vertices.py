"""Secondary vertices, found from tracks as CMS finds them; truth is not looked at.

Source: CMSSW, RecoVertex/AdaptiveVertexFinder (the inclusive vertex finder): displaced tracks
gather others that come close to them, each cluster is fitted in two ways, vertices that share
tracks are merged, tracks are given to the primary or the secondary vertex, and what is left is
merged once more.  Vertices of K0S, of Λ and of false tracks are kept, as in CMS's slimmed
secondary vertices.

Simplified: seeds of fits are the clusters' own points in both ways; the number of hits of tracks
is not known, so that it is not asked for; a vertex has two members or more.
"""

import dataclasses

import numpy as np

from repro.data.arrays import FloatArray
from repro.simulation.hbb.clusters import find_clusters
from repro.simulation.hbb.found import Found, arbitrate, join, merge, select, take
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.objects import Tracks, Vertices
from repro.simulation.hbb.primary import primary_covariance
from repro.simulation.hbb.tracker_card import TrackerCard
from repro.simulation.hbb.tracker_parts import Finder
from repro.simulation.hbb.vertex_fit import Candidates, Measured, fit_vertices
from repro.simulation.particles import PION_MASS

__all__ = ["find_vertices"]

# How often the reconstructor looks for one more vertex in what is left of a cluster.
_ROUNDS = 3


def find_vertices(tracks: Tracks, card: TrackerCard, events: int) -> Vertices:
    """Find the secondary vertices of a batch of events.

    Args:
        tracks: Of all events, ascending in event; positions are relative to the events'
            primary vertices.
        card: The tracker, with the finder's cuts.
        events: How many events there are.

    Returns:
        Vertices, ascending in event; those of an event do not depend on other events.
    """
    finder = card.finder
    measured = Measured(Helices.of_tracks(tracks, card.field), tracks.covariance, card.field)
    primary = primary_covariance(tracks, card, events)
    clusters = find_clusters(tracks, measured, primary, finder)
    found = _fit_clusters(tracks, measured, clusters, primary, finder)
    found = merge(found, finder.merging[0])
    found = arbitrate(found, tracks, measured, primary, finder)
    return _describe(merge(found, finder.merging[1]), tracks, measured, primary)


def _fit_clusters(
    tracks: Tracks, measured: Measured, clusters: Candidates, primary: FloatArray, finder: Finder
) -> Found:
    """Fit clusters as a whole, and what is left of them without tracks of the primary vertex."""
    annealing = finder.annealing
    fits = fit_vertices(measured, clusters, annealing)
    parts = [take(clusters, fits, tracks.event, finder)]
    event = tracks.event[clusters.members[clusters.offsets]]
    prompt = dataclasses.replace(annealing, cut=finder.primary_cut)
    fits = fit_vertices(measured, clusters, prompt, constraint=primary[event])
    rest = _left_over(clusters, fits.weights, finder)
    secondary = dataclasses.replace(annealing, cut=finder.secondary_cut)
    for _ in range(_ROUNDS):
        fits = fit_vertices(measured, rest, secondary)
        parts.append(take(rest, fits, tracks.event, finder))
        rest = _left_over(rest, fits.weights, finder)
    return select(join(parts), measured, primary, finder)


def _left_over(candidates: Candidates, weights: FloatArray, finder: Finder) -> Candidates:
    """Return the members that a fit did not take; a fit that took none is the last one."""
    free = weights <= finder.min_weight
    number = len(candidates.counts)
    counts = np.bincount(candidates.owner[free], minlength=number)
    return candidates.chosen((counts >= 2) & (counts < candidates.counts), free)


def _describe(found: Found, tracks: Tracks, measured: Measured, primary: FloatArray) -> Vertices:
    """Return vertices with the momenta that their tracks have there."""
    members, owner = found.tracks.members, found.tracks.owner
    helices = measured.helices[members]
    path = helices.approach(found.tracks.start[owner]).path
    size = tracks.pt[members] * np.cosh(tracks.eta[members])
    momentum = np.empty((len(members), 4))
    momentum[:, 0] = np.hypot(size, PION_MASS)
    momentum[:, 1:] = size[:, None] * helices.direction(path)
    total = np.zeros((len(found), 4))
    np.add.at(total, owner, momentum)
    return Vertices(
        event=found.event,
        position=found.tracks.start,
        covariance=found.covariance + primary[found.event],
        momentum=total,
        normchi2=found.normchi2,
        degrees_of_freedom=found.degrees_of_freedom,
        members=members,
        counts=found.tracks.counts,
    )
