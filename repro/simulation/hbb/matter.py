"""What the tracker's matter does to particles: photons convert, hadrons interact.

Those that do are replaced by what comes of them, from where it happens: on thin cylinders, the
layers.  Tracks from there miss the primary vertex by far, as in real jets.  Left out: energy loss,
bremsstrahlung, what is made in the calorimeters, and second interactions.

Source: thickness of CMS's tracker, arXiv:1405.6569, see the card; the energies of electron pairs,
Particle Data Group, "Passage of particles through matter", complete screening.
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.hbb.helix import Helices
from repro.simulation.hbb.tracker_card import TrackerCard
from repro.simulation.hbb.tracker_parts import Matter
from repro.simulation.particles import PION_MASS, Particles, cylindrical, join_by_event

__all__ = ["pass_matter"]

_PHOTON, _ELECTRON, _MUON, _PION = 22, 11, 13, 211
_NEUTRINOS = (12, 14, 16)
_ELECTRON_MASS = 0.51099895e-3  # [GeV]
_CENTIMETRES = 100.0  # particles are in m
# Of a photon's radiation lengths, those that convert it.
_PAIRS = 7 / 9
# An electron's part of a photon's energy: the integral of 1 - 4/3 x (1 - x), to 1.
_PART = np.linspace(0.0, 1.0, 201)
_UP_TO = (_PART - 2 / 3 * _PART**2 + 4 / 9 * _PART**3) / _PAIRS


def pass_matter(particles: Particles, card: TrackerCard, rng: np.random.Generator) -> Particles:
    """Return the particles that leave the tracker.

    Args:
        particles: Final particles of all events, ascending in event.
        card: The tracker.
        rng: Source of randomness.

    Returns:
        Particles, ascending in event: those that nothing happened to, in their order, and after
        those of each event what came of the others; momenta add up to the same.
    """
    matter = card.matter
    pt, eta, _ = cylindrical(particles.px, particles.py, particles.pz)
    kind = np.abs(particles.pdg)
    inside = (pt > matter.min_pt) & (np.abs(eta) < matter.abs_eta[-1])
    photon = inside & (kind == _PHOTON)
    hadron = inside & ~np.isin(kind, (_PHOTON, _ELECTRON, _MUON, *_NEUTRINOS))
    absolute = np.abs(eta)
    depth = np.where(
        photon,
        _PAIRS * np.interp(absolute, matter.abs_eta, matter.radiation_lengths),
        np.interp(absolute, matter.abs_eta, matter.interaction_lengths),
    )
    # Depths at which something happens are exponential; beyond the last layer nothing is looked at.
    happens = rng.exponential(size=len(particles)) / np.maximum(depth, 1e-12)
    layer = np.searchsorted(np.cumsum(matter.share), happens)
    radius = np.append(matter.radius, np.inf)[layer]
    born = _CENTIMETRES * np.hypot(particles.x, particles.y)
    happens_there = (photon | hadron) & np.isfinite(radius) & (born < radius)
    chosen = np.flatnonzero(happens_there)
    reached, place, heading = _arrive(particles[chosen], radius[chosen], card.field)
    chosen = chosen[reached]
    converts = photon[chosen]
    parts = [
        particles[np.setdiff1d(np.arange(len(particles)), chosen)],
        _pairs(particles[chosen[converts]], place[converts], rng),
        _debris(particles[chosen[~converts]], place[~converts], heading[~converts], matter, rng),
    ]
    return join_by_event(parts)


def _arrive(
    particles: Particles, radius: FloatArray, field: float
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Return which particles reach their radius [cm], and of those where, and in what direction.

    Charged ones turn; all are taken as coming from near the beam line.
    """
    charged = particles.charge != 0
    heading = particles.momentum
    heading /= np.linalg.norm(heading, axis=1)[:, None]
    start = _CENTIMETRES * np.stack([particles.x, particles.y, particles.z], axis=1)
    # A straight line from the start: the larger solution of |start + way heading| = radius.
    across = (heading[:, :2] ** 2).sum(axis=1)
    along = (heading[:, :2] * start[:, :2]).sum(axis=1)
    short = (start[:, :2] ** 2).sum(axis=1) - radius**2
    way = (-along + np.sqrt(along**2 - across * short)) / across
    place = start + way[:, None] * heading
    helices = Helices.of_particles(particles[charged], field)
    turned = radius[charged] / (2 * np.abs(helices.radius))
    path = 2 * np.abs(helices.radius) * np.arcsin(np.minimum(turned, 1.0))
    place[charged], heading[charged] = helices.position(path), helices.direction(path)
    reached = np.ones(len(particles), dtype=bool)
    reached[charged] = turned < 1
    return reached, place[reached], heading[reached]


def _pairs(photons: Particles, place: FloatArray, rng: np.random.Generator) -> Particles:
    """Return the electrons and positrons of photons, in their direction."""
    first = np.interp(rng.random(len(photons)), _UP_TO, _PART)
    part = np.stack([first, 1 - first], axis=1).ravel()
    both = np.repeat(np.arange(len(photons)), 2)
    charge = np.tile([-1.0, 1.0], len(photons))
    momentum = part[:, None] * photons.momentum[both]
    mass = np.full(len(both), _ELECTRON_MASS)
    return _made(photons.event[both], -charge * _ELECTRON, momentum, mass, place[both])


def _debris(
    hadrons: Particles,
    place: FloatArray,
    heading: FloatArray,
    matter: Matter,
    rng: np.random.Generator,
) -> Particles:
    """Return what interacting hadrons leave: pions and photons that share their momentum."""
    number = len(hadrons)
    size = np.linalg.norm(hadrons.momentum, axis=1)
    mean = matter.multiplicity * np.log(np.maximum(size, 1.0))
    counts = 2 + rng.poisson(mean)
    owner = np.repeat(np.arange(number), counts)
    part = rng.exponential(size=len(owner))
    part /= np.bincount(owner, part, minlength=number)[owner]
    kick = matter.kick * rng.standard_normal((len(owner), 3))
    # Kicks of one hadron's debris add up to nothing, so that its momentum is kept.
    for axis in range(3):
        total = np.bincount(owner, kick[:, axis], minlength=number)
        kick[:, axis] -= (total / counts)[owner]
    momentum = (part * size[owner])[:, None] * heading[owner] + kick
    charge = rng.choice([-1.0, 0.0, 1.0], len(owner))
    pdg = np.where(charge == 0, _PHOTON, charge * _PION)
    mass = np.where(charge == 0, 0.0, PION_MASS)
    return _made(hadrons.event[owner], pdg, momentum, mass, place[owner])


def _made(
    event: IntArray, pdg: FloatArray, momentum: FloatArray, mass: FloatArray, place: FloatArray
) -> Particles:
    """Return photons, electrons and pions of momenta [GeV], from places [cm], each (n, 3)."""
    px, py, pz = momentum.T
    x, y, z = place.T / _CENTIMETRES
    # Of antiparticles the id is negative; the electron is the particle, and negative.
    charge = np.where(np.abs(pdg) == _ELECTRON, -1.0, 1.0) * np.sign(pdg) * (pdg != _PHOTON)
    energy = np.sqrt((momentum**2).sum(axis=1) + mass**2)
    return Particles(event, pdg.astype(np.int64), charge, px, py, pz, energy, x, y, z)
