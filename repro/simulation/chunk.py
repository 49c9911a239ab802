"""One chunk of simulated jets: what a worker makes, from nothing but its number.

A chunk has its own seeds, so that it is the same whoever makes it and whatever was made before.
"""

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.archives import read_arrays
from repro.data.atomic import write_atomically
from repro.data.jets import MOST_PLACES, Jets, check_labels, check_momenta
from repro.errors import BadInput
from repro.simulation.card import load_card
from repro.simulation.detector import detect
from repro.simulation.events import Generator
from repro.simulation.presets import PROCESSES, Preset, find_preset
from repro.simulation.selection import pass_prefilter, select_jets

__all__ = ["CHUNK_JETS", "EVENTS_PER_BATCH", "Task", "make_chunk", "read_chunk", "write_chunk"]

CHUNK_JETS = 500
"""Jets of a full chunk, half of them of each class."""


EVENTS_PER_BATCH = 100
"""Part of the definition of a chunk: with other batches the detector draws other numbers."""

# A jet in two or three events is usual; a thousand times fewer means that something is wrong.
_MOST_EVENTS_PER_JET = 1000
_ARRAYS = ("four_momenta", "labels", "truth", "split")


@dataclass(frozen=True)
class Task:
    """A chunk to make.

    Attributes:
        preset: Name of the preset.
        seed: Seed of the whole production.
        number: Number of the chunk in it.
        jets: How many jets it has; with an odd number there is one more QCD jet.
    """

    preset: str
    seed: int
    number: int
    jets: int

    @property
    def per_class(self) -> tuple[int, int]:
        """Numbers of QCD and of top jets.

        >>> Task("matched", 1, 0, 5).per_class
        (3, 2)
        """
        return self.jets - self.jets // 2, self.jets // 2


def make_chunk(task: Task) -> Jets:
    """Simulate the jets of a chunk, both classes mixed in a fixed order.

    Raises:
        NotAvailable: If Pythia or FastJet is not installed.
    """
    preset = find_preset(task.preset)
    parts = [
        _make_class(preset, process, task, wanted)
        for process, wanted in zip(PROCESSES, task.per_class, strict=True)
    ]
    # The classes alternate by lot; within a class the jets stay in the order they were made.
    labels = np.repeat(np.arange(len(PROCESSES)), task.per_class)
    np.random.default_rng(_entropy(task, len(PROCESSES))).shuffle(labels)
    order = np.empty(task.jets, dtype=np.int64)
    order[np.argsort(labels, kind="stable")] = np.arange(task.jets)
    return Jets(*(np.concatenate([getattr(p, name) for p in parts])[order] for name in _ARRAYS))


def _make_class(preset: Preset, process: str, task: Task, wanted: int) -> Jets:
    entropy = np.random.SeedSequence(_entropy(task, PROCESSES.index(process)))
    generator_seed, detector_seed = entropy.spawn(2)
    generator = _generator(preset.name, process).seed(_pythia_seed(generator_seed))
    rng = np.random.default_rng(detector_seed)
    card = load_card(preset.card)
    found: list[Jets] = []
    batches = 0
    while sum(map(len, found)) < wanted:
        batches += 1
        if batches * EVENTS_PER_BATCH > _MOST_EVENTS_PER_JET * (wanted + 1):
            raise BadInput(
                f"{batches * EVENTS_PER_BATCH:,} events gave {sum(map(len, found))} {process} "
                "jets of the benchmark: correct the preset"
            )
        record = generator.generate(EVENTS_PER_BATCH)
        passed = pass_prefilter(record.final_particles(), len(record), preset.benchmark)
        objects = detect(record.final_particles(passed), card, rng)
        found.append(select_jets(record, objects, process, preset.leading_jets, preset.benchmark))
    if not found:
        places = preset.benchmark.constituents
        found = [
            Jets(
                np.zeros((0, places, 4), np.float32),
                np.zeros(0, np.int64),
                np.zeros((0, 4), np.float32),
                np.zeros(0, np.int64),
            )
        ]
    return Jets(*(np.concatenate([getattr(j, name) for j in found])[:wanted] for name in _ARRAYS))


@functools.cache
def _generator(preset: str, process: str) -> Generator:
    """Set up a generator once in a process."""
    return Generator(find_preset(preset).settings[process])


def _entropy(task: Task, stream: int) -> tuple[int, int, int]:
    return task.seed, task.number, stream


def _pythia_seed(sequence: np.random.SeedSequence) -> int:
    return 1 + int(sequence.generate_state(1)[0]) % 900_000_000


def write_chunk(path: Path, jets: Jets) -> None:
    """Write a chunk whole or not at all.

    Padding is not written: jets take as much room as they have constituents.

    Raises:
        BadInput: If it cannot be written.
    """
    filled = jets.four_momenta[:, :, 0] > 0
    stream = io.BytesIO()
    np.savez(
        stream,
        counts=filled.sum(axis=1),
        places=np.array(jets.four_momenta.shape[1]),
        constituents=jets.four_momenta[filled],
        labels=jets.labels,
        truth=jets.truth,
        split=jets.split,
    )
    write_atomically(path, stream.getvalue())


def read_chunk(path: Path) -> Jets:
    """Read a chunk.

    Raises:
        BadInput: If it is damaged; the message says what to do.
    """
    try:
        return _unpack(path, read_arrays(path))
    except (BadInput, OSError, ValueError, LookupError, TypeError) as error:
        raise BadInput(f"{path} is damaged: delete it and run the same command again") from error


def _unpack(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Jets:
    """Return the jets of a chunk; errors are of many kinds if it is damaged."""
    counts, places = arrays["counts"], int(arrays["places"])
    if counts.ndim != 1 or not 0 < places <= MOST_PLACES or len(counts) > CHUNK_JETS:
        raise ValueError("no chunk has so many jets or places")
    four_momenta = np.zeros((len(counts), places, 4), np.float32)
    four_momenta[np.arange(places) < counts[:, None]] = arrays["constituents"]
    check_momenta(path, four_momenta, 0)
    check_labels(path, arrays["labels"], 0)
    return Jets(four_momenta, arrays["labels"], arrays["truth"], arrays["split"])
