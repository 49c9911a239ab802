"""How well the primary vertex of an event is known from its tracks.

The vertex itself is at the place where the event happened, plus an error drawn from this
covariance; :mod:`repro.simulation.hbb.vertices` asks again what it was, from the tracks alone.
"""

import numpy as np

from repro.data.arrays import FloatArray
from repro.simulation.hbb.covariance import information_of
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.tracker_card import TrackerCard

__all__ = ["primary_covariance", "relative_to"]


def primary_covariance(tracks: Tracks, card: TrackerCard, events: int) -> FloatArray:
    """Return the covariance of each event's primary vertex [cm²], (events, 3, 3).

    It is the inverse of the summed information of the tracks that come from near the origin.
    With fewer than two, the vertex is the beam spot's.

    Args:
        tracks: Of all events.
        card: The tracker.
        events: How many events there are.
    """
    cut = card.primary.max_significance
    errors = np.sqrt(np.diagonal(tracks.covariance, axis1=1, axis2=2)[:, 3:])
    near = (np.abs(tracks.dxy) < cut * errors[:, 0]) & (
        np.abs(tracks.dz) / np.cosh(tracks.eta) < cut * errors[:, 1]
    )
    chosen = tracks[near]
    information = np.zeros((events, 3, 3))
    np.add.at(information, chosen.event, information_of(chosen.covariance, chosen.phi, chosen.eta))
    few = np.bincount(chosen.event, minlength=events) < 2
    beam = np.array([card.primary.beam_transverse] * 2 + [card.primary.beam_longitudinal])
    information[few] = np.diag(1 / beam**2)
    # Parallel tracks know nothing along themselves: there the vertex is where beams meet at all.
    found = np.linalg.inv(information + np.eye(3) / card.primary.beam_longitudinal**2)
    found[~few] += card.primary.floor**2 * np.eye(3)
    return np.asarray(found)


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
