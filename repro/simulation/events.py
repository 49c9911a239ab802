"""Events by Pythia 8, in batches of arrays.

Source: Pythia 8.3 (arXiv:2203.11601).  The state of a generator before a batch is its set-up and
the seed of its random numbers alone, so that the same seed gives the same events, whatever was
generated before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray, IntArray
from repro.errors import BadInput
from repro.simulation.extras import load_awkward, load_pythia
from repro.simulation.particles import Particles

__all__ = ["EventRecord", "Generator"]

NEUTRINOS = (12, 14, 16)

_MAX_SEED = 900_000_000
_METRES = 1e-3  # Pythia's lengths are in mm
_SET_UP_SEED = 1


@dataclass(frozen=True, eq=False)
class EventRecord:
    """Everything that happened in a batch of events; flat arrays of shape (entries,).

    Events have no weights: without biased phase space all of Pythia's are 1.

    Attributes:
        offsets: (events + 1,), first entry of each event, then the number of entries.
        pdg: PDG id.
        status: Pythia's status; final particles have a positive one.
        daughters: (entries, 2), positions of first and last daughter; -1 for none.
        momentum: (entries, 4), E, px, py, pz [GeV].
        vertex: (entries, 3), x, y, z where it was made [m].
        charge: In units of the positron's.
    """

    offsets: IntArray
    pdg: IntArray
    status: IntArray
    daughters: IntArray
    momentum: FloatArray
    vertex: FloatArray
    charge: FloatArray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def event(self) -> IntArray:
        """(entries,), event of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def final_particles(self, events: NDArray[np.bool_] | None = None) -> Particles:
        """Return the final particles but neutrinos, of the chosen events or of all.

        The events keep their positions in the batch.
        """
        event = self.event
        chosen = (self.status > 0) & ~np.isin(np.abs(self.pdg), NEUTRINOS)
        if events is not None:
            chosen &= events[event]
        energy, px, py, pz = self.momentum[chosen].T
        x, y, z = self.vertex[chosen].T
        return Particles(
            event[chosen], self.pdg[chosen], self.charge[chosen], px, py, pz, energy, x, y, z
        )


class Generator:
    """A Pythia, set up once.

    Args:
        settings: Pythia's settings.

    Raises:
        NotAvailable: If Pythia is not installed.
        BadInput: If a setting is wrong.
    """

    def __init__(self, settings: Sequence[str]) -> None:
        pythia8mc = load_pythia()
        self._awkward = load_awkward()
        self._pythia = pythia8mc.Pythia("", False)
        # Setting up draws random numbers too: always the same ones.
        quiet = ("Print:quiet = on", "Random:setSeed = on", f"Random:seed = {_SET_UP_SEED}")
        for setting in (*quiet, *settings):
            # Without its own words on stdout.
            if not self._pythia.readString(setting, False):
                raise BadInput(f"Pythia does not know the setting {setting!r}: correct the preset")
        if not self._pythia.init():
            raise BadInput("Pythia cannot be set up: correct the preset")
        self._charges: dict[int, float] = {}

    def seed(self, seed: int) -> Self:
        """Start the random numbers anew.

        Args:
            seed: 1 to 900,000,000.
        """
        if not 1 <= seed <= _MAX_SEED:
            raise ValueError(f"seed {seed} is outside 1 to {_MAX_SEED}")
        self._pythia.rndm.init(seed)
        return self

    def generate(self, events: int) -> EventRecord:
        """Return the next events; Pythia's rare failures are left out."""
        batch = self._pythia.nextBatch(events)
        layout = self._awkward.to_packed(batch.prt).layout
        entries = self._awkward.Array(layout.content)
        pdg = _numbers(entries.id)
        offsets = np.asarray(layout.offsets, dtype=np.int64)
        return EventRecord(
            offsets=offsets,
            pdg=pdg,
            status=_numbers(entries.status),
            daughters=_positions(entries, offsets),
            momentum=np.stack([np.asarray(entries.p[name]) for name in ("e", "px", "py", "pz")], 1),
            vertex=self._vertices(entries),
            charge=self._charge(pdg),
        )

    def _vertices(self, entries: Any) -> FloatArray:  # noqa: ANN401  # awkward is untyped
        # None stands for the collision's own place, the origin.
        parts = (self._awkward.fill_none(entries.vProd[name], 0.0) for name in ("px", "py", "pz"))
        return _METRES * np.stack([np.asarray(part) for part in parts], axis=1)

    def _charge(self, pdg: IntArray) -> FloatArray:
        codes, position = np.unique(pdg, return_inverse=True)
        data = self._pythia.particleData
        for code in codes.tolist():
            if code not in self._charges:
                self._charges[code] = float(data.charge(code))
        return np.array([self._charges[code] for code in codes.tolist()])[position]


def _numbers(values: Any) -> IntArray:  # noqa: ANN401  # awkward is untyped
    return np.asarray(values).astype(np.int64)


def _positions(entries: Any, offsets: IntArray) -> IntArray:  # noqa: ANN401
    """Return daughters as positions among all entries; Pythia's 0 means none."""
    first = np.repeat(offsets[:-1], np.diff(offsets))
    local = [_numbers(entries.daughter1), _numbers(entries.daughter2)]
    return np.stack([np.where(one > 0, one + first, -1) for one in local], axis=1)
