"""Productions of top and QCD jets, see :mod:`repro.simulation.chunked`."""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import repro
from repro.data.jets import Jets
from repro.data.tables import write_jets
from repro.simulation.chunk import (
    CHUNK_JETS,
    EVENTS_PER_BATCH,
    Task,
    make_chunk,
    read_chunk,
    write_chunk,
)
from repro.simulation.chunked import (
    Chunked,
    JetProgress,
    check_numbers,
    iter_chunks,
    simulate,
    sizes_of_chunks,
)
from repro.simulation.extras import versions
from repro.simulation.presets import find_preset

__all__ = ["JetProgress", "Production", "iter_chunks", "merge", "simulate"]


@dataclass(frozen=True)
class Production(Chunked[Task, Jets]):
    """Jets to simulate.

    Attributes:
        preset: Name of the preset.
        seed: Seed of everything random.
        jets: How many jets, half of them top.
        path: The file.

    Raises:
        BadInput: If a number makes no sense.
        UnknownName: If there is no such preset.
    """

    preset: str
    seed: int
    jets: int
    path: Path

    def __post_init__(self) -> None:
        find_preset(self.preset)
        check_numbers(self.jets, self.seed)

    @functools.cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All chunks, in the order of the file."""
        sizes = sizes_of_chunks(self.jets, CHUNK_JETS)
        return tuple(
            Task(self.preset, self.seed, number, jets) for number, jets in enumerate(sizes)
        )

    @property
    def settings(self) -> str:
        """SHA-256 of everything in data files that the jets follow from."""
        preset = find_preset(self.preset)
        physics = [
            preset.version,
            preset.settings,
            preset.leading_jets,
            vars(preset.benchmark),
            preset.card_text,
            EVENTS_PER_BATCH,
        ]
        return hashlib.sha256(json.dumps(physics).encode()).hexdigest()

    def recipe(self) -> dict[str, Any]:
        """Return what the jets follow from, but for their number.

        Raises:
            NotAvailable: If Pythia or FastJet is not installed.
        """
        return {
            "preset": self.preset,
            "seed": self.seed,
            "settings": self.settings,
            "versions": {"repro": repro.__version__, **versions()},
        }

    def make(self, task: Task) -> Jets:
        """Simulate a chunk."""
        return make_chunk(task)

    def keep(self, path: Path, jets: Jets) -> None:
        """Write a chunk whole or not at all."""
        write_chunk(path, jets)

    def read(self, path: Path) -> Jets:
        """Read a chunk.

        Raises:
            BadInput: If it is damaged.
        """
        return read_chunk(path)

    def write(self) -> None:
        """Write the file from its chunks, in the format of the paper's data."""
        merge(self)


def merge(production: Production) -> None:
    """Write the file from its chunks, in the format of the paper's data.

    Raises:
        BadInput: If a chunk is missing or damaged, or the file cannot be written.
        NotAvailable: If Pythia or FastJet is not installed.
    """
    recipe = {**production.recipe(), "jets": production.jets}
    write_jets(
        production.path,
        iter_chunks(production),
        compression="blosc",  # as the paper's own files are
        attributes={"repro": json.dumps(recipe)},
    )
