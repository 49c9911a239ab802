"""Which jets are of a Higgs boson, as the record's ``fj_isH`` has it.

A jet is H→bb̄ if a Higgs boson, as it is before it decays, is within 0.6 of its axis.  All other
jets of the signal sample have no label: of these about one in seven, mostly radiation before the
collision.  They are not QCD, as their sample is not.
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.events import EventRecord
from repro.simulation.particles import cylindrical, wrap_angle

__all__ = ["find_higgs", "match_higgs"]

_HIGGS = 25


def find_higgs(record: EventRecord) -> IntArray:
    """Return the last copy of each Higgs boson: positions in the record, ascending."""
    copies = np.flatnonzero(record.pdg == _HIGGS)
    first = record.daughters[copies, 0]
    return np.asarray(copies[(first >= 0) & (record.pdg[first] != _HIGGS)])


def match_higgs(
    event: IntArray, eta: FloatArray, phi: FloatArray, record: EventRecord, radius: float
) -> NDArray[np.bool_]:
    """Return which jets have a Higgs boson within a radius of their axis, (jets,).

    Args:
        event: (jets,), position of each jet's event in the record.
        eta: (jets,), of the axes.
        phi: (jets,), likewise.
        record: The events.
        radius: Largest distance in eta and phi.
    """
    matched = np.zeros(len(event), dtype=bool)
    bosons = find_higgs(record)
    counts = np.bincount(record.event[bosons], minlength=len(record))
    starts = np.cumsum(counts) - counts
    for rank in range(int(counts.max(initial=0))):
        there = counts[event] > rank
        boson = bosons[starts[event[there]] + rank]
        _, boson_eta, boson_phi = cylindrical(*record.momentum[boson, 1:].T)
        distance = np.hypot(boson_eta - eta[there], wrap_angle(boson_phi - phi[there]))
        matched[there] |= distance < radius
    return matched
