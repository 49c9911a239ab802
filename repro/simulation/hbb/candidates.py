"""What particle flow makes of an event: reconstructed tracks, soft tracks, photons, hadrons.

Every particle is measured once and for itself: by the tracker if it made a track; by the
calorimeters if it is neutral, or lost its track.  Overlaps in cells, and pileup, are not modelled.
Source of the idea: CMS particle flow, arXiv:1706.04965; the numbers are in ``settings.toml``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.data.hbb.derived import PION_MASS
from repro.simulation.hbb.objects import Tracks
from repro.simulation.hbb.settings import Response, Settings
from repro.simulation.particles import Particles, cylindrical

__all__ = ["Candidates", "find_candidates"]

_ELECTRON, _MUON, _PHOTON = 11, 13, 22


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidates of a batch of events; arrays of shape (candidates,) but where said.

    Attributes:
        event: Position of the event in the batch, ascending.
        momentum: (candidates, 4), E, px, py, pz [GeV].
        track: Row of the track that it is; -1 for others.
    """

    event: IntArray
    momentum: FloatArray
    track: IntArray

    @property
    def pt(self) -> FloatArray:
        """Transverse momentum [GeV]."""
        return np.hypot(self.momentum[:, 1], self.momentum[:, 2])


def find_candidates(
    particles: Particles, tracks: Tracks, settings: Settings, rng: np.random.Generator
) -> Candidates:
    """Return the candidates.

    Args:
        particles: Final particles, without neutrinos.
        tracks: What the tracker made of them.
        settings: Resolutions and thresholds.
        rng: For what is random.
    """
    pt, eta, _ = cylindrical(particles.px, particles.py, particles.pz)
    tracked = np.zeros(len(particles), dtype=bool)
    tracked[tracks.particle[tracks.particle >= 0]] = True
    kind = np.abs(particles.pdg)
    charged = particles.charge != 0
    soft = charged & ~tracked & (pt < settings.selection.candidate_min_pt)
    # A muon without a track leaves next to nothing in the calorimeters.
    inside = (np.abs(eta) < settings.calorimeter_max_abs_eta) & ~tracked & ~soft & (kind != _MUON)
    electromagnetic = inside & np.isin(kind, (_ELECTRON, _PHOTON))
    soft &= (pt > settings.soft_min_pt) & (np.abs(eta) < settings.calorimeter_max_abs_eta)
    parts = [
        _tracks(tracks),
        _soft(particles[soft], settings.soft_resolution, rng),
        _measured(particles[electromagnetic], settings.photons, rng),
        _measured(particles[inside & ~electromagnetic], settings.hadrons, rng),
    ]
    event = np.concatenate([part.event for part in parts])
    order = np.argsort(event, kind="stable")
    return Candidates(
        event[order],
        np.concatenate([part.momentum for part in parts])[order],
        np.concatenate([part.track for part in parts])[order],
    )


def _tracks(tracks: Tracks) -> Candidates:
    momentum = np.stack(
        [
            np.hypot(tracks.pt * np.cosh(tracks.eta), PION_MASS),
            tracks.pt * np.cos(tracks.phi),
            tracks.pt * np.sin(tracks.phi),
            tracks.pt * np.sinh(tracks.eta),
        ],
        axis=1,
    )
    return Candidates(tracks.event, momentum, np.arange(len(tracks)))


def _soft(particles: Particles, resolution: float, rng: np.random.Generator) -> Candidates:
    factor = np.maximum(1 + resolution * rng.standard_normal(len(particles)), 0)
    three = factor[:, None] * particles.momentum
    energy = np.sqrt((three**2).sum(axis=1) + PION_MASS**2)
    return _without_track(particles.event, np.column_stack([energy, three]))


def _measured(particles: Particles, response: Response, rng: np.random.Generator) -> Candidates:
    """Return massless candidates in the directions of the particles."""
    three = particles.momentum
    size = np.sqrt((three**2).sum(axis=1))
    noise = rng.standard_normal(len(particles)) * response.sigma(particles.energy)
    energy = particles.energy + noise
    seen: NDArray[np.bool_] = (energy > response.threshold) & (size > 0)
    energy, size = energy[seen], size[seen]
    momentum = np.column_stack([energy, three[seen] * (energy / size)[:, None]])
    return _without_track(particles.event[seen], momentum)


def _without_track(event: IntArray, momentum: FloatArray) -> Candidates:
    return Candidates(event, momentum, np.full(len(event), -1))
