"""Which jets belong to the benchmark, and their rows."""

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import IntArray
from repro.data.jets import Jets
from repro.simulation.clustering import FoundJets, find_jets
from repro.simulation.events import EventRecord
from repro.simulation.particles import Objects, Particles, cylindrical, wrap_angle
from repro.simulation.presets import PROCESSES, Benchmark

__all__ = ["find_tops", "pass_prefilter", "select_jets"]

_TOP, _W = 6, 24
# The column ttv; which split is which number, the data set's description does not say.
_SPLIT = 2


def pass_prefilter(particles: Particles, events: int, benchmark: Benchmark) -> NDArray[np.bool_]:
    """Return which events have a jet of particles that may become a jet of the benchmark.

    Args:
        particles: Final particles, without neutrinos.
        events: Number of events in the batch.
        benchmark: The selection.

    Returns:
        (events,).
    """
    momentum = np.stack([particles.energy, particles.px, particles.py, particles.pz], axis=1)
    lowest = benchmark.prefilter_min_pt
    jets = find_jets(particles.event, momentum, events, benchmark.radius, lowest)
    eta, _ = jets.axis
    passed = np.zeros(events, dtype=bool)
    passed[jets.event[np.abs(eta) < benchmark.prefilter_max_abs_eta]] = True
    return passed


def select_jets(
    record: EventRecord, objects: Objects, process: str, leading_jets: int, benchmark: Benchmark
) -> Jets:
    """Return the jets of a batch that belong to the benchmark.

    Args:
        record: The events.
        objects: Their energy flow.
        process: ``qcd`` or ``top``.
        leading_jets: How many jets of an event are looked at.
        benchmark: The selection.
    """
    momentum = np.stack([objects.energy, objects.px, objects.py, objects.pz], axis=1)
    low, high = benchmark.pt
    jets = find_jets(objects.event, momentum, len(record), benchmark.radius, low)
    eta, _ = jets.axis
    chosen = (jets.rank < leading_jets) & (jets.pt < high) & (np.abs(eta) < benchmark.max_abs_eta)
    truth = np.zeros((len(jets), 4))
    if process == "top":
        tops, quarks = find_tops(record)
        top = _match(jets, record, np.column_stack([tops, quarks]), benchmark.match_radius)
        chosen &= top >= 0
        truth[top >= 0] = record.momentum[tops[top[top >= 0]]]
    kept = np.flatnonzero(chosen)
    return Jets(
        four_momenta=_rows(jets, kept, objects, benchmark.constituents),
        labels=np.full(len(kept), PROCESSES.index(process), dtype=np.int64),
        truth=truth[kept].astype(np.float32),
        split=np.full(len(kept), _SPLIT, dtype=np.int64),
    )


def find_tops(record: EventRecord) -> tuple[IntArray, IntArray]:
    """Return the last copy of each top quark, and the quarks of its decay before they radiate.

    Returns:
        (tops,) and (tops, 3): positions in the record; the three quarks are the one beside the W
        and the two of the W's decay.
    """
    pdg, daughters = np.abs(record.pdg), record.daughters
    copies = np.flatnonzero(pdg == _TOP)
    decays = (daughters[copies, 0] >= 0) & (pdg[daughters[copies, 0]] != _TOP)
    tops = copies[decays]
    first, second = daughters[tops].T
    w = np.where(pdg[first] == _W, first, second)
    beside = np.where(pdg[first] == _W, second, first)
    while (radiates := pdg[daughters[w, 0]] == _W).any():
        w = np.where(radiates, daughters[w, 0], w)
    return tops, np.column_stack([beside, daughters[w]])


def _match(jets: FoundJets, record: EventRecord, partons: IntArray, radius: float) -> IntArray:
    """Return which top each jet contains with all three quarks; -1 for none.

    Args:
        jets: The jets.
        record: The events.
        partons: (tops, 4), positions of each top and its three quarks.
        radius: Largest distance from the jet axis.
    """
    found = np.full(len(jets), -1)
    eta, phi = jets.axis
    of_event = record.event[partons[:, 0]]
    for rank in range(int(np.bincount(of_event, minlength=1).max(initial=0))):
        # The rank-th top of each event.
        position = np.full(len(record), -1)
        starts = np.searchsorted(of_event, np.arange(len(record))) + rank
        there = starts < np.searchsorted(of_event, np.arange(len(record)), side="right")
        position[there] = starts[there]
        top = position[jets.event]
        inside = top >= 0
        for column in partons.T:
            _, p_eta, p_phi = cylindrical(*record.momentum[column[top], 1:].T)
            inside &= np.hypot(p_eta - eta, wrap_angle(p_phi - phi)) < radius
        found = np.where(inside & (found < 0), top, found)
    return found


def _rows(jets: FoundJets, kept: IntArray, objects: Objects, places: int) -> NDArray[np.float32]:
    """Return (kept, places, 4): the leading constituents by pt, padded with zeros."""
    sizes = np.diff(jets.offsets)[kept]
    total = int(sizes.sum())
    row = np.repeat(np.arange(len(kept)), sizes)
    within = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    member = jets.members[np.repeat(jets.offsets[kept], sizes) + within]
    momentum = np.stack([objects.px, objects.py, objects.pz], axis=1)[member].astype(np.float32)
    pt = np.hypot(*momentum[:, :2].astype(np.float64).T)
    order = np.lexsort((-pt, row))
    leading = within < places
    rows = np.zeros((len(kept), places, 4), dtype=np.float32)
    ordered = momentum[order][leading]
    # The energy of the momentum as it is stored: massless to float32's last digit.
    rows[row[leading], within[leading], 0] = np.sqrt((ordered.astype(np.float64) ** 2).sum(axis=1))
    rows[row[leading], within[leading], 1:] = ordered
    return rows
