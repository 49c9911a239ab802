"""Tracks of charged particles: efficiency and smearing of the transverse momentum.

Source: Delphes (arXiv:1307.6346, section 3.2).  Efficiency and resolution are those of the
place where the particle meets the calorimeter and of the pt that it was made with; a track keeps
the direction that its particle was made with, and is massless.
"""

from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.card import Card
from repro.simulation.particles import Particles, cylindrical
from repro.simulation.propagation import Impact

__all__ = ["Tracks", "log_normal", "make_tracks"]

_ELECTRON, _MUON = 11, 13


@dataclass(frozen=True, eq=False)
class Tracks:
    """Tracks; all arrays have shape (tracks,).

    Attributes:
        particle: Position of the track's particle.
        pt: Measured transverse momentum [GeV].
        eta, phi: Direction in which the particle was made.
        resolution: Relative resolution of pt.
    """

    particle: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    resolution: FloatArray

    @property
    def energy(self) -> FloatArray:
        """Energy of a massless particle with this momentum [GeV]."""
        return self.pt * np.cosh(self.eta)


def make_tracks(
    particles: Particles, impact: Impact, card: Card, rng: np.random.Generator
) -> Tracks:
    """Find and measure tracks.

    Args:
        particles: Final particles, (n,).
        impact: Where they meet the calorimeters.
        card: The detector.
        rng: Source of randomness.
    """
    charged = np.flatnonzero((particles.charge != 0) & impact.reached)
    found = particles[charged]
    pt, eta, phi = cylindrical(found.px, found.py, found.pz)
    place = impact.eta[charged]
    efficiency, resolution = np.zeros(len(charged)), np.zeros(len(charged))
    kinds = {"electron": np.abs(found.pdg) == _ELECTRON, "muon": np.abs(found.pdg) == _MUON}
    kinds["hadron"] = ~(kinds["electron"] | kinds["muon"])
    for name, chosen in kinds.items():
        kind = card.tracking[name]
        efficiency[chosen] = kind.efficiency.at(place[chosen], pt[chosen])
        resolution[chosen] = kind.resolution.of_track(place[chosen], pt[chosen])
    measured = _smear(pt, resolution, card.smearing, rng)
    kept = (rng.random(len(charged)) < efficiency) & (measured > 0)
    return Tracks(charged[kept], measured[kept], eta[kept], phi[kept], resolution[kept])


def _smear(
    pt: FloatArray, resolution: FloatArray, smearing: str, rng: np.random.Generator
) -> FloatArray:
    if smearing == "log-normal":
        # Delphes from 3.4 takes no relative resolution for worse than 1.
        return log_normal(pt, np.minimum(resolution, 1.0) * pt, rng)
    return pt * (1 + resolution * rng.standard_normal(len(pt)))


def log_normal(mean: FloatArray, sigma: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw from log-normal distributions with these means and standard deviations.

    Where the mean is 0, so is the result.
    """
    positive = np.where(mean > 0, mean, 1.0)
    variance = np.log1p((sigma / positive) ** 2)
    drawn = np.exp(
        np.log(positive) - variance / 2 + np.sqrt(variance) * rng.standard_normal(len(mean))
    )
    return np.where(mean > 0, drawn, 0.0)
