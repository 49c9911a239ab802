"""Tracks and vertices without a tracker, and records without a generator."""

import numpy as np

from repro.simulation.events import EventRecord
from repro.simulation.hbb.objects import Tracks, Vertices
from repro.simulation.particles import cylindrical

ERROR = 2e-3  # of impact parameters [cm]


def perfect_tracks(particles, *, rows=None, rng=None):
    """A track for each particle; with ``rng`` its impact parameters are those of prompt ones."""
    pt, eta, phi = cylindrical(particles.px, particles.py, particles.pz)
    n = len(particles)
    missed = np.zeros((2, n)) if rng is None else rng.normal(0, ERROR, (2, n))
    return Tracks(
        event=particles.event,
        particle=np.arange(n) if rows is None else rows,
        charge=particles.charge,
        pt=pt,
        eta=eta,
        phi=phi,
        dxy=missed[0],
        dz=missed[1] * np.cosh(eta),
        covariance=np.tile(ERROR**2 * np.eye(5), (n, 1, 1)),
        pt_error=0.01 * pt,
        eta_error=np.full(n, 1e-3),
        normchi2=np.ones(n),
        quality=np.full(n, 5),
    )


def scattered_vertices(event, eta, phi, rng):
    """Vertices in these directions, each of two tracks that are not in any list."""
    m = len(event)
    size = rng.uniform(5, 50, m)
    unit = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1) / np.cosh(eta)[:, None]
    momentum = size[:, None] * unit
    energy = np.sqrt(size**2 + 1)
    return Vertices(
        event=event,
        position=rng.exponential(0.5, m)[:, None] * unit,
        covariance=np.tile(1e-4 * np.eye(3), (m, 1, 1)) * rng.uniform(0.5, 2, m)[:, None, None],
        momentum=np.column_stack([energy, momentum]),
        normchi2=rng.uniform(0, 3, m),
        degrees_of_freedom=np.ones(m),
        members=np.zeros(2 * m, np.int64),
        counts=np.full(m, 2),
    )


def record(*events):
    """Events of entries (pdg, daughters, eta, phi); daughters are positions in the event."""
    entries = [(first, e) for first, event in _starts(events) for e in event]
    n = len(entries)
    daughters = [[-1 if d < 0 else d + first for d in e[1]] for first, e in entries]
    eta, phi = (np.array([e[i] for _, e in entries]) for i in (2, 3))
    momentum = 100 * np.stack([np.cosh(eta) + 1, np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    return EventRecord(
        offsets=np.cumsum([0, *map(len, events)]),
        pdg=np.array([e[0] for _, e in entries]),
        status=np.full(n, -22),
        daughters=np.array(daughters),
        momentum=momentum,
        vertex=np.zeros((n, 3)),
        charge=np.zeros(n),
    )


def _starts(events):
    first = 0
    for event in events:
        yield first, event
        first += len(event)
