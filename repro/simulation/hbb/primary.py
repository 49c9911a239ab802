"""The primary vertex of an event, from its tracks.

It is fitted, so that tracks pull it with them: what they miss it by is less than their errors say.
:mod:`repro.simulation.hbb.vertices` asks again how well it is known, from the tracks alone.
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.simulation.hbb.covariance import information_of
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.tracker_card import TrackerCard
from repro.simulation.hbb.vertex_fit import Candidates, Measured, adaptive_weights, fit_vertices

__all__ = ["fit_primary", "primary_covariance", "relative_to"]

# Fewer tracks do not make a vertex.
_FEWEST = 2


def fit_primary(
    tracks: Tracks, card: TrackerCard, rng: np.random.Generator, events: int
) -> FloatArray:
    """Fit the primary vertex of each event to its tracks [cm], (events, 3).

    Source: CMSSW's offlinePrimaryVertices (arXiv:1405.6569, section 6.2), without its clusters
    along the beams, as there is one collision.  With fewer than two tracks, the vertex is
    somewhere in the beam spot.

    Args:
        tracks: Of all events, ascending in event; the collision is at the origin.
        card: The tracker.
        rng: Source of randomness, for what the fit does not know (the card's floor).
        events: How many events there are.
    """
    few, chosen = _compatible(tracks, card, events)
    beam = _beam(card)
    spread = np.where(few[:, None], beam, card.primary.floor)
    found: FloatArray = spread * rng.standard_normal((events, 3))
    rows = np.flatnonzero(chosen & ~few[tracks.event])
    if len(rows):
        fitted, counts = np.unique(tracks.event[rows], return_counts=True)
        measured = Measured(
            Helices.of_tracks(tracks[rows], card.field), tracks.covariance[rows], card.field
        )
        candidates = Candidates(np.arange(len(rows)), counts, np.zeros((len(fitted), 3)))
        # Parallel tracks know nothing along themselves: there it is where beams meet at all.
        somewhere = np.tile(np.eye(3) * card.primary.beam_longitudinal**2, (len(fitted), 1, 1))
        fits = fit_vertices(measured, candidates, card.primary.annealing, constraint=somewhere)
        found[fitted] += fits.position
    return found


def primary_covariance(tracks: Tracks, card: TrackerCard, events: int) -> FloatArray:
    """Return the covariance of each event's primary vertex [cm²], (events, 3, 3).

    It is the inverse of the information of the tracks, weighted as in the fit, and the card's
    floor in quadrature.  With fewer than two tracks, the vertex is the beam spot's.

    Args:
        tracks: Of all events; positions are relative to the vertices or to the collisions.
        card: The tracker.
        events: How many events there are.
    """
    few, chosen = _compatible(tracks, card, events)
    near = tracks[chosen]
    residual = np.stack([near.dxy, near.dz / np.cosh(near.eta)], axis=1)
    inverse = np.linalg.inv(near.covariance[:, 3:, 3:])
    chi2 = np.einsum("ni,nij,nj->n", residual, inverse, residual)
    weights = adaptive_weights(chi2, card.primary.annealing)
    information = np.zeros((events, 3, 3))
    np.add.at(
        information,
        near.event,
        weights[:, None, None] * information_of(near.covariance, near.phi, near.eta),
    )
    information[few] = np.diag(1 / _beam(card) ** 2)
    found = np.linalg.inv(information + np.eye(3) / card.primary.beam_longitudinal**2)
    found[~few] += card.primary.floor**2 * np.eye(3)
    return np.asarray(found)


def _compatible(
    tracks: Tracks, card: TrackerCard, events: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which events have too few tracks for a vertex, and which tracks are near theirs."""
    cut = card.primary.max_significance
    errors = np.sqrt(np.diagonal(tracks.covariance, axis1=1, axis2=2)[:, 3:])
    near = (np.abs(tracks.dxy) < cut * errors[:, 0]) & (
        np.abs(tracks.dz) / np.cosh(tracks.eta) < cut * errors[:, 1]
    )
    few = np.bincount(tracks.event[near], minlength=events) < _FEWEST
    return np.asarray(few), np.asarray(near)


def _beam(card: TrackerCard) -> FloatArray:
    return np.array([card.primary.beam_transverse] * 2 + [card.primary.beam_longitudinal])


def relative_to(
    vertex: FloatArray, phi: FloatArray, eta: FloatArray, dxy: FloatArray, dz: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return dxy and dz with respect to vertices, as ``reco::TrackBase::dxy(point)`` has them.

    Args:
        vertex: The vertex of each track [cm], (n, 3).
        phi: Azimuths, (n,).
        eta: Pseudorapidities, (n,).
        dxy: With respect to the origin [cm], (n,).
        dz: The same along the beams [cm], (n,).
    """
    x, y, z = vertex.T
    away = dxy + x * np.sin(phi) - y * np.cos(phi)
    return away, dz - z + (x * np.cos(phi) + y * np.sin(phi)) * np.sinh(eta)
