"""What a detector makes of the particles of many events: energy flow objects.

Charged particles turn in the field and may leave tracks.  All particles deposit energy in the
calorimeter cells that they meet; the energy of a cell is smeared as a whole, and an object made
from it lies somewhere in the cell.  Energy flow puts tracks and cells together.  Every step is
an array operation over all particles of all events; the numbers come from a card.

Source: Delphes (arXiv:1307.6346), whose parametrised detector this is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.card import Calorimeter, Card, Grid
from repro.simulation.energy_flow import FLOWS, Cells, CellTracks
from repro.simulation.particles import Objects, Particles
from repro.simulation.propagation import Impact, propagate
from repro.simulation.tracking import Tracks, log_normal, make_tracks

__all__ = ["detect"]


def detect(particles: Particles, card: Card, rng: np.random.Generator) -> Objects:
    """Return the energy flow objects of a batch of events.

    Args:
        particles: Final particles of all events, without neutrinos or with them.
        card: The detector.
        rng: Source of randomness; the same state and particles give the same objects.

    Returns:
        Tracks and neutral objects, massless, ordered by event.
    """
    impact = propagate(particles, card.field)
    tracks = make_tracks(particles, impact, card, rng)
    hits = {name: _find_hits(particles, impact, grid, rng) for name, grid in card.grids.items()}

    scale = np.ones(len(tracks.pt))
    parts: list[Objects] = []
    for calorimeter in card.calorimeters:
        cells = hits[calorimeter.grid]
        measured = _measure(calorimeter, cells, particles, rng)
        entering = _entering(calorimeter, cells, particles.pdg, tracks)
        in_cells = CellTracks(
            cells.of_particle[tracks.particle[entering]],
            tracks.energy[entering],
            tracks.resolution[entering],
        )
        flow = FLOWS[calorimeter.energy_flow](calorimeter, in_cells, measured)
        scale[entering] = flow.scale
        parts.append(_neutrals(cells, flow.neutral))
    kept = scale > 0
    parts.append(
        Objects.from_cylindrical(
            particles.event[tracks.particle[kept]],
            (scale * tracks.pt)[kept],
            tracks.eta[kept],
            tracks.phi[kept],
        )
    )
    return _by_event(parts)


@dataclass(frozen=True, eq=False)
class _Hits:
    """The cells of one grid that particles meet.

    Attributes:
        of_particle: (particles,), position of the particle's cell among these; -1 for none.
        event: (cells,), event of the cell.
        centre: (cells,), eta of its centre.
        eta, phi: (cells,), where an object made from it lies.
    """

    of_particle: IntArray
    event: IntArray
    centre: FloatArray
    eta: FloatArray
    phi: FloatArray


def _find_hits(particles: Particles, impact: Impact, grid: Grid, rng: np.random.Generator) -> _Hits:
    total = int(grid.first[-1])
    cell = np.where(impact.reached, grid.cell_of(impact.eta, impact.phi), -1)
    met = cell >= 0
    numbers, position = np.unique(particles.event[met] * total + cell[met], return_inverse=True)
    of_particle = np.full(len(particles), -1)
    of_particle[met] = position
    event, cell = np.divmod(numbers, total)
    low_eta, eta_width, low_phi, phi_width = grid.box_of(cell)
    return _Hits(
        of_particle,
        event,
        low_eta + eta_width / 2,
        low_eta + eta_width * rng.random(len(cell)),
        low_phi + phi_width * rng.random(len(cell)),
    )


def _measure(
    calorimeter: Calorimeter, cells: _Hits, particles: Particles, rng: np.random.Generator
) -> Cells:
    """Return the energy that is seen in each cell: the sum of its deposits is smeared."""
    met = cells.of_particle >= 0
    deposits = calorimeter.fraction_of(particles.pdg[met]) * particles.energy[met]
    true: FloatArray = np.bincount(
        cells.of_particle[met], weights=deposits, minlength=len(cells.event)
    ).astype(np.float64)
    sigma = calorimeter.resolution.of_energy(cells.centre, true)
    energy = log_normal(true, sigma, rng)
    return Cells(
        energy=calorimeter.seen(energy, cells.centre),
        sigma=calorimeter.resolution.of_energy(cells.centre, energy),
        eta=cells.centre,
    )


def _entering(
    calorimeter: Calorimeter, cells: _Hits, pdg: IntArray, tracks: Tracks
) -> NDArray[np.bool_]:
    """Return which tracks this calorimeter has to account for: muons are no calorimeter's."""
    return (calorimeter.fraction_of(pdg[tracks.particle]) > 0) & (
        cells.of_particle[tracks.particle] >= 0
    )


def _neutrals(cells: _Hits, energy: FloatArray) -> Objects:
    made = energy > 0
    eta = cells.eta[made]
    return Objects.from_cylindrical(
        cells.event[made], energy[made] / np.cosh(eta), eta, cells.phi[made]
    )


def _by_event(parts: list[Objects]) -> Objects:
    event = np.concatenate([part.event for part in parts])
    order = np.argsort(event, kind="stable")
    px, py, pz = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("px", "py", "pz")
    )
    return Objects(event[order], px, py, pz)
