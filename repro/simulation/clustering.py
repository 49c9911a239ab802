"""Jets of many events at once, by FastJet (arXiv:1111.6097)."""

from dataclasses import dataclass

import numpy as np

from repro.data.arrays import FloatArray, IntArray
from repro.simulation.extras import load_awkward, load_fastjet
from repro.simulation.particles import cylindrical

__all__ = ["FoundJets", "find_jets"]


@dataclass(frozen=True, eq=False)
class FoundJets:
    """Jets, ordered by event and then by falling transverse momentum.

    Attributes:
        event: (jets,), position of the jet's event in the batch.
        rank: (jets,), 0 for the leading jet of an event, 1 for the next ...
        momentum: (jets, 4), E, px, py, pz [GeV].
        offsets: (jets + 1,), first entry of each jet in ``members``.
        members: Positions of the constituents among the clustered objects.
    """

    event: IntArray
    rank: IntArray
    momentum: FloatArray
    offsets: IntArray
    members: IntArray

    def __len__(self) -> int:
        return len(self.event)

    @property
    def pt(self) -> FloatArray:
        """(jets,), transverse momentum [GeV]."""
        return np.hypot(self.momentum[:, 1], self.momentum[:, 2])

    @property
    def axis(self) -> tuple[FloatArray, FloatArray]:
        """(jets,) twice: pseudorapidity and azimuth."""
        _, eta, phi = cylindrical(*self.momentum[:, 1:].T)
        return eta, phi


def find_jets(
    event: IntArray, momentum: FloatArray, events: int, radius: float, min_pt: float
) -> FoundJets:
    """Cluster with anti-kT, E-scheme.

    Args:
        event: (objects,), event of each object, ascending.
        momentum: (objects, 4), E, px, py, pz [GeV].
        events: Number of events in the batch.
        radius: Of the jets.
        min_pt: Least transverse momentum of a jet [GeV].

    Raises:
        NotAvailable: If FastJet is not installed.
    """
    awkward, fastjet = load_awkward(), load_fastjet()
    counts = np.bincount(event, minlength=events)
    objects = awkward.zip(
        {
            name: awkward.unflatten(momentum[:, i].copy(), counts)
            for i, name in enumerate(("E", "px", "py", "pz"))
        },
        with_name="Momentum4D",
    )
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet.ClusterSequence(objects, definition)
    jets = sequence.inclusive_jets(min_pt=min_pt)
    members = sequence.constituent_index(min_pt=min_pt)

    found = np.asarray(awkward.num(jets), dtype=np.int64)
    jet_event = np.repeat(np.arange(events), found)
    flat = awkward.flatten(jets)
    p4 = np.stack([np.asarray(flat[name]) for name in ("E", "px", "py", "pz")], axis=1)
    flat_members = awkward.flatten(members)
    sizes = np.asarray(awkward.num(flat_members), dtype=np.int64)
    # Positions within the event become positions among all objects.
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    positions = np.asarray(awkward.flatten(flat_members), dtype=np.int64)
    positions = positions + np.repeat(starts[jet_event], sizes)

    order = np.lexsort((-np.hypot(p4[:, 1], p4[:, 2]), jet_event))
    offsets = np.concatenate([[0], np.cumsum(sizes[order])])
    first = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    taken = np.repeat(first[order] - offsets[:-1], sizes[order]) + np.arange(offsets[-1])
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(found) - found, found)
    return FoundJets(jet_event, ranks, p4[order], offsets, positions[taken])
