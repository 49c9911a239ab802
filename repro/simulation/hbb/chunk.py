"""One chunk of simulated H→bb̄ and QCD jets: what a worker makes, from nothing but its number.

Each process of a chunk has its own seeds, so that the chunk is the same whoever makes it and
whatever was made before.
"""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.archives import read_arrays
from repro.data.atomic import write_atomically
from repro.data.hbb.measured import COUNTS, KINDS, MeasuredJets, columns_of, join_measured
from repro.errors import BadInput
from repro.simulation.events import Generator
from repro.simulation.hbb.jets import Event, measure_jets
from repro.simulation.hbb.matter import pass_matter
from repro.simulation.hbb.primary import primary_covariance
from repro.simulation.hbb.settings import load_settings
from repro.simulation.hbb.tracker_card import load_tracker_card
from repro.simulation.hbb.tracks import reconstruct_tracks
from repro.simulation.hbb.vertices import find_vertices

__all__ = ["EVENTS_PER_BATCH", "HbbTask", "make_chunk", "read_chunk", "shares", "write_chunk"]

EVENTS_PER_BATCH = 50
"""Part of the definition of a chunk: with other batches the detector draws other numbers."""

# The softest dijets give a jet in sixty events; many times fewer mean that something is wrong.
_MOST_EVENTS_PER_JET = 1000


@dataclass(frozen=True)
class HbbTask:
    """A chunk to make.

    Attributes:
        preset: Name of the preset.
        seed: Seed of the whole production.
        number: Number of the chunk in it.
        jets: How many jets it has.
    """

    preset: str
    seed: int
    number: int
    jets: int


def shares(jets: int, weights: Sequence[int]) -> list[int]:
    """Return how many jets come from each process: as near to the weights as can be.

    >>> shares(600, [39, 61]), shares(3, [39, 61]), shares(0, [1, 2])
    ([234, 366], [1, 2], [0, 0])
    """
    exact = np.array(weights) * jets / sum(weights)
    whole = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: jets - whole.sum()]] += 1
    return [int(count) for count in whole]


def make_chunk(task: HbbTask) -> MeasuredJets:
    """Simulate the jets of a chunk, all processes mixed in a fixed order.

    Raises:
        NotAvailable: If Pythia or FastJet is not installed.
    """
    settings = load_settings()
    wanted = shares(task.jets, [source.shares[task.preset] for source in settings.sources])
    parts = [make_source(task, number, count) for number, count in enumerate(wanted)]
    jets = join_measured(parts)
    rng = np.random.default_rng(_entropy(task, len(settings.sources)))
    # The processes alternate by lot; within one the jets stay in the order they were made.
    source = jets.jets["source"].astype(np.int64)
    order = np.empty(task.jets, dtype=np.int64)
    order[np.argsort(rng.permutation(source), kind="stable")] = np.arange(task.jets)
    return jets.take(order)


def make_source(task: HbbTask, number: int, wanted: int) -> MeasuredJets:
    """Simulate jets of one process, rounded as they are kept.

    Raises:
        BadInput: If the process makes hardly any jets.
        NotAvailable: If Pythia or FastJet is not installed.
    """
    settings = load_settings()
    generator_seed, detector_seed = np.random.SeedSequence(_entropy(task, number)).spawn(2)
    rng = np.random.default_rng(detector_seed)
    found: list[MeasuredJets] = []
    if wanted:
        generator = _generator(number).seed(_pythia_seed(generator_seed))
    batches = 0
    while sum(map(len, found)) < wanted:
        batches += 1
        if batches * EVENTS_PER_BATCH > _MOST_EVENTS_PER_JET * (wanted + 1):
            raise BadInput(
                f"{batches * EVENTS_PER_BATCH:,} events gave {sum(map(len, found))} jets of "
                f"{settings.sources[number].name}: correct the settings"
            )
        found.append(_batch(generator, task.preset, number, rng))
    return join_measured(found).take(slice(wanted)).rounded()


def _batch(
    generator: Generator, preset: str, number: int, rng: np.random.Generator
) -> MeasuredJets:
    card = load_tracker_card(load_settings().tracker)
    record = generator.generate(EVENTS_PER_BATCH)
    particles = pass_matter(record.final_particles(), card, rng)
    tracks = reconstruct_tracks(particles, card, rng, len(record))
    vertices = find_vertices(tracks, card, len(record))
    variances = np.diagonal(primary_covariance(tracks, card, len(record)), axis1=1, axis2=2)
    event = Event(record, particles, tracks, vertices, variances)
    return measure_jets(event, preset, number, rng)


@functools.cache
def _generator(number: int) -> Generator:
    """Set up a generator once in a process."""
    return Generator(load_settings().sources[number].settings)


def _entropy(task: HbbTask, stream: int) -> tuple[int, int, int]:
    return task.seed, task.number, stream


def _pythia_seed(sequence: np.random.SeedSequence) -> int:
    return 1 + int(sequence.generate_state(1)[0]) % 900_000_000


def write_chunk(path: Path, jets: MeasuredJets) -> None:
    """Write a chunk whole or not at all.

    Raises:
        BadInput: If it cannot be written.
    """
    stream = io.BytesIO()
    arrays = {f"counts.{kind}": jets.counts[kind] for kind in COUNTS}
    for kind in KINDS:
        values = jets.values(kind)
        arrays |= {f"{kind}.{c.name}": c.pack(values[c.name]) for c in columns_of(kind)}
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    write_atomically(path, stream.getvalue())


def read_chunk(path: Path) -> MeasuredJets:
    """Read a chunk.

    Raises:
        BadInput: If it is damaged; the message says what to do.
    """
    try:
        arrays = read_arrays(path)
        found = {
            kind: {c.name: c.unpack(arrays[f"{kind}.{c.name}"]) for c in columns_of(kind)}
            for kind in KINDS
        }
        counts = {kind: arrays[f"counts.{kind}"] for kind in COUNTS}
        return _checked(MeasuredJets(found["jets"], found["tracks"], found["vertices"], counts))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadInput(f"{path} is damaged: delete it and run the same command again") from error


def _checked(jets: MeasuredJets) -> MeasuredJets:
    """Return jets whose columns and counts fit together, and whose numbers are some."""
    for kind in COUNTS:
        counts = jets.counts[kind]
        if counts.ndim != 1 or counts.dtype.kind not in "iu" or counts.min(initial=0) < 0:
            raise ValueError(f"counts of {kind} are none")
    lengths = {"jets": len(jets)} | {kind: int(jets.counts[kind].sum()) for kind in COUNTS}
    for kind, length in lengths.items():
        for column in jets.values(kind).values():
            if column.shape != (length,) or not np.isfinite(column).all():
                raise ValueError(f"columns of {kind} do not fit")
    return jets
