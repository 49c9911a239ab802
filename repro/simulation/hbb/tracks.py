"""Tracks as the tracker of CMS would have them, from particles: no hits, but their consequences.

Charged particles keep the helix from where they were made.  Some are not found; the others get
its parameters with correlated errors.  Efficiencies and errors are the card's, and so are false
tracks and the few of other collisions.  What matter makes of particles comes before
(:mod:`repro.simulation.hbb.matter`).  Electrons and muons are measured like hadrons; an electron's
bremsstrahlung is not simulated.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.covariance import natural_covariance, to_cms
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.primary import fit_primary, relative_to
from repro.simulation.hbb.tracker_card import TrackerCard
from repro.simulation.particles import (
    PION_MASS,
    Particles,
    cylindrical,
    join_by_event,
    wrap_angle,
)

__all__ = ["reconstruct_tracks", "track_efficiency"]

_ELECTRON, _MUON, _PION = 11, 13, 211
_CENTIMETRES = 100.0  # particles are in m
# Softer particles do not reach the least pt by any error of it.
_SOFTEST = 0.5


def reconstruct_tracks(
    particles: Particles, card: TrackerCard, rng: np.random.Generator, events: int
) -> Tracks:
    """Find and measure the tracks of a batch of events.

    Args:
        particles: Final particles of all events, ascending in event; the collision is at the
            origin.  Where along the beams it happened is of no consequence here.
        card: The tracker.
        rng: Source of randomness; the same state and particles give the same tracks.
        events: How many events there are; some may have no particles.

    Returns:
        Tracks, ascending in event.
    """
    charged = np.flatnonzero(_is_candidate(particles, card))
    candidates = particles[charged]
    found = rng.random(len(charged)) < track_efficiency(candidates, card)
    true = _measure(candidates[found], charged[found], card, rng)
    false = _invent(true, card, rng)
    others = _measure_others(events, card, rng)
    everything = join_by_event([true, false, others])
    kept = everything[
        (everything.pt > card.acceptance.min_pt)
        & (np.abs(everything.eta) < card.acceptance.max_abs_eta)
    ]
    vertex = fit_primary(kept, card, rng, events)
    dxy, dz = relative_to(vertex[kept.event], kept.phi, kept.eta, kept.dxy, kept.dz)
    return dataclasses.replace(kept, dxy=dxy, dz=dz)


def track_efficiency(candidates: Particles, card: TrackerCard) -> FloatArray:
    """Return the probability that each charged particle is found, (n,).

    Args:
        candidates: Charged particles of all events; each other's neighbours.
        card: The tracker.
    """
    pt, eta, phi = cylindrical(candidates.px, candidates.py, candidates.pz)
    found = np.zeros(len(candidates))
    pdg = np.abs(candidates.pdg)
    kinds = {"electron": pdg == _ELECTRON, "muon": pdg == _MUON}
    kinds["hadron"] = ~(kinds["electron"] | kinds["muon"])
    for name, chosen in kinds.items():
        found[chosen] = card.efficiency[name].at(eta[chosen], pt[chosen])
    neighbours = _neighbours(candidates.event, eta, phi, card.density.radius)
    dense = (1 - card.density.loss) ** neighbours
    return np.asarray(found * card.displaced.at(_radius(candidates)) * dense)


def _is_candidate(particles: Particles, card: TrackerCard) -> NDArray[np.bool_]:
    pt, eta, _ = cylindrical(particles.px, particles.py, particles.pz)
    return np.asarray(
        (particles.charge != 0)
        & (pt > _SOFTEST * card.acceptance.min_pt)
        & (np.abs(eta) < card.acceptance.max_abs_eta)
        & (_radius(particles) < card.displaced.radius[-1])
    )


def _radius(particles: Particles) -> FloatArray:
    return np.asarray(_CENTIMETRES * np.hypot(particles.x, particles.y))


def _neighbours(event: IntArray, eta: FloatArray, phi: FloatArray, radius: float) -> IntArray:
    """Return how many others of the same event are closer than a radius in eta and phi."""
    if len(event) == 0:
        return np.zeros(0, dtype=np.int64)
    # Events lie apart along a third axis; the azimuth goes round.
    places = np.stack([event * (10 * radius), eta + 100, np.mod(phi, 2 * np.pi)], axis=1)
    box = [places[:, 0].max() + 10 * radius, 1000.0, 2 * np.pi]
    tree = cKDTree(places, boxsize=box)
    return np.asarray(tree.query_ball_point(places, radius, return_length=True)) - 1


def _measure(
    particles: Particles, rows: IntArray, card: TrackerCard, rng: np.random.Generator
) -> Tracks:
    """Return tracks of the particles, with the collision as origin."""
    number = len(particles)
    helix = Helices.of_particles(particles, card.field)
    pt, eta = np.hypot(particles.px, particles.py), np.arcsinh(helix.slope)
    scatter = np.exp(card.tails.spread * rng.standard_normal(number))
    in_tail = rng.random(number) < card.tails.fraction
    natural = natural_covariance(pt, eta, _radius(particles), card) * scatter[:, None, None] ** 2
    errors = (np.linalg.cholesky(natural) @ rng.standard_normal((number, 5, 1)))[:, :, 0]
    errors *= np.where(in_tail, card.tails.scale, 1.0)[:, None]
    freedom = _degrees_of_freedom(number, card, rng)
    normchi2 = rng.chisquare(freedom) / freedom
    # The curvature is what is measured: its relative error is that of pt, and where it is
    # large the charge may come out wrong.
    inverse = particles.charge / pt * (1 + errors[:, 0])
    angle = np.arctan(helix.slope) + errors[:, 1]
    slope = np.tan(np.clip(angle, -1.57, 1.57))
    cosine = 1 / np.hypot(1, helix.slope)
    return _track(
        event=particles.event,
        particle=rows,
        inverse=inverse,
        eta=np.arcsinh(slope),
        phi=wrap_angle(helix.phi + errors[:, 2]),
        dxy=helix.dxy + errors[:, 3],
        dz=helix.dz + errors[:, 4] / cosine,
        natural=natural,
        normchi2=normchi2 * np.where(in_tail, card.fit.tail_scale, 1.0),
        quality=_quality(number, card, rng),
    )


def _invent(true: Tracks, card: TrackerCard, rng: np.random.Generator) -> Tracks:
    """Return false tracks, each near a true one."""
    fakes = card.fakes
    chosen = np.flatnonzero(rng.random(len(true)) < fakes.fraction)
    number = len(chosen)
    pt = card.acceptance.min_pt + rng.exponential(fakes.mean_pt, number)
    eta = true.eta[chosen] + fakes.distance * rng.standard_normal(number)
    phi = true.phi[chosen] + fakes.distance * rng.standard_normal(number)
    origin = np.zeros(number)
    freedom = _degrees_of_freedom(number, card, rng)
    return _track(
        event=true.event[chosen],
        particle=np.full(number, -1),
        inverse=rng.choice([-1.0, 1.0], number) / pt,
        eta=eta,
        phi=wrap_angle(phi),
        dxy=rng.laplace(0.0, fakes.dxy, number),
        dz=rng.laplace(0.0, fakes.dz, number),
        natural=natural_covariance(pt, eta, origin, card) * fakes.error**2,
        normchi2=rng.chisquare(freedom) / freedom * card.fit.fake_scale,
        quality=_quality(number, card, rng),
    )


def _measure_others(events: int, card: TrackerCard, rng: np.random.Generator) -> Tracks:
    """Return tracks of other collisions, which are not taken away with their vertices."""
    pileup = card.pileup
    edge = card.acceptance.max_abs_eta
    counts = rng.poisson(pileup.density * 4 * np.pi * edge, events)
    number = int(counts.sum())
    pt = card.acceptance.min_pt + rng.exponential(pileup.mean_pt, number)
    eta, phi = rng.uniform(-edge, edge, number), rng.uniform(-np.pi, np.pi, number)
    px, py, pz = pt * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)])
    beam_line = np.zeros(number)
    particles = Particles(
        np.repeat(np.arange(events), counts),
        np.full(number, _PION),
        rng.choice([-1.0, 1.0], number),
        px,
        py,
        pz,
        np.hypot(pt * np.cosh(eta), PION_MASS),
        beam_line,
        beam_line,
        rng.normal(0.0, pileup.distance, number) / _CENTIMETRES,
    )
    return _measure(particles, np.full(number, -1), card, rng)


def _degrees_of_freedom(number: int, card: TrackerCard, rng: np.random.Generator) -> IntArray:
    first, last = card.fit.degrees_of_freedom
    return rng.integers(first, last, number, endpoint=True)


def _quality(number: int, card: TrackerCard, rng: np.random.Generator) -> IntArray:
    low = rng.random(number) < card.fit.low_fraction
    return np.where(low, card.fit.low_quality, card.fit.quality)


def _track(
    *,
    event: IntArray,
    particle: IntArray,
    inverse: FloatArray,
    eta: FloatArray,
    phi: FloatArray,
    dxy: FloatArray,
    dz: FloatArray,
    natural: FloatArray,
    normchi2: FloatArray,
    quality: IntArray,
) -> Tracks:
    """Return tracks with these charges over pt [1/GeV] and covariances of (ln pt, ...)."""
    charge, pt = np.sign(inverse), 1 / np.abs(inverse)
    covariance = to_cms(natural, charge, pt, eta)
    return Tracks(
        event=event,
        particle=particle,
        charge=charge,
        pt=pt,
        eta=eta,
        phi=phi,
        dxy=dxy,
        dz=dz,
        covariance=covariance,
        pt_error=pt * np.sqrt(natural[:, 0, 0]),
        # lambda is the angle whose hyperbolic form eta is: dlambda = cos(lambda) deta.
        eta_error=np.sqrt(natural[:, 1, 1]) * np.cosh(eta),
        normchi2=normchi2,
        quality=quality,
    )
