"""Productions of H→bb̄ and QCD jets, see :mod:`repro.simulation.chunked`."""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import repro
from repro.data.hbb.derived import derive, targets_of_measured
from repro.data.hbb.measured import COUNTS, MeasuredJets
from repro.data.hbb.measured_file import write_measured
from repro.data.hbb.processed import write_processed
from repro.simulation.card import card_text
from repro.simulation.chunked import Chunked, check_numbers, iter_chunks, sizes_of_chunks
from repro.simulation.extras import versions
from repro.simulation.hbb.chunk import (
    EVENTS_PER_BATCH,
    HbbTask,
    make_chunk,
    read_chunk,
    write_chunk,
)
from repro.simulation.hbb.settings import load_settings, settings_text

__all__ = ["HbbProduction", "pack"]


@dataclass(frozen=True)
class HbbProduction(Chunked[HbbTask, MeasuredJets]):
    """Jets to simulate.

    Attributes:
        preset: Name of the preset.
        seed: Seed of everything random.
        jets: How many jets.
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
        load_settings().find_preset(self.preset)
        check_numbers(self.jets, self.seed)

    @functools.cached_property
    def tasks(self) -> tuple[HbbTask, ...]:
        """All chunks, in the order of the file."""
        sizes = sizes_of_chunks(self.jets, load_settings().chunk_jets)
        return tuple(
            HbbTask(self.preset, self.seed, number, jets) for number, jets in enumerate(sizes)
        )

    def recipe(self) -> dict[str, Any]:
        """Return what the jets follow from, but for their number.

        Raises:
            NotAvailable: If Pythia or FastJet is not installed.
        """
        settings = load_settings()
        physics = [settings_text(), card_text(settings.tracker), EVENTS_PER_BATCH]
        return {
            "paper": "hbb",
            "preset": self.preset,
            "seed": self.seed,
            "settings": hashlib.sha256(json.dumps(physics).encode()).hexdigest(),
            "sources": [source.name for source in settings.sources],
            "versions": {"repro": repro.__version__, **versions()},
        }

    def make(self, task: HbbTask) -> MeasuredJets:
        """Simulate a chunk."""
        return make_chunk(task)

    def keep(self, path: Path, jets: MeasuredJets) -> None:
        """Write a chunk whole or not at all."""
        write_chunk(path, jets)

    def read(self, path: Path) -> MeasuredJets:
        """Read a chunk.

        Raises:
            BadInput: If it is damaged.
        """
        return read_chunk(path)

    def write(self) -> None:
        """Write the file from its chunks, as a processed file of the record.

        Raises:
            BadInput: If a chunk is missing or damaged, or the file cannot be written.
            NotAvailable: If Pythia or FastJet is not installed.
        """
        recipe = {**self.recipe(), "jets": self.jets}
        write_processed(self.path, self.jets, self._groups(), recipe=recipe, groups=COUNTS)

    def _groups(self) -> Iterator[Mapping[str, NDArray[np.float32]]]:
        for jets in iter_chunks(self):
            groups = {name: derive(jets, name) for name in (*COUNTS, "spectators")}
            yield {**groups, "targets": targets_of_measured(jets)}


def pack(production: HbbProduction) -> None:
    """Write a file of measured jets, which is small, from the chunks.

    Raises:
        BadInput: If a chunk is missing or damaged, or the file cannot be written.
        NotAvailable: If Pythia or FastJet is not installed.
    """
    recipe = {**production.recipe(), "jets": production.jets}
    write_measured(production.path, iter_chunks(production), recipe)
