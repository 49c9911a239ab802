"""Simulate many jets: chunks made by several processes, kept in a folder, then one file.

The folder ``FILE.parts`` beside the file has one small file for each chunk.  What is in it is
not made again: an interrupted production goes on, and chunks can be made on several machines
that share the folder.
"""

import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import repro
from repro.data.atomic import write_atomically
from repro.data.jets import Jets
from repro.data.locks import alone
from repro.data.tables import write_jets
from repro.errors import BadInput
from repro.simulation.chunk import (
    CHUNK_JETS,
    EVENTS_PER_BATCH,
    Task,
    make_chunk,
    read_chunk,
    write_chunk,
)
from repro.simulation.extras import versions
from repro.simulation.presets import find_preset
from repro.simulation.workers import run_tasks

__all__ = ["JetProgress", "Production", "iter_chunks", "merge", "simulate"]

JetProgress = Callable[[Iterable[Task], int, int], Iterable[Task]]
"""Gives tasks as they are done; also gets how many jets there are, and were made before."""

_RECIPE = "recipe.json"
# Chunks, what a killed process left of one, the recipe and the lock.
_OWN_NAME = re.compile(r"\.?\d{6,}-\d+\.npz(\.\w+)?|\.?recipe\.json(\.\w+)?|run\.lock")


@dataclass(frozen=True)
class Production:
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
        if self.jets < 1:
            raise BadInput(f"--jets {self.jets}: give 1 or more")
        if self.seed < 0:
            raise BadInput(f"--seed {self.seed}: give 0 or more")

    @functools.cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All chunks, in the order of the file."""
        starts = range(0, self.jets, CHUNK_JETS)
        return tuple(
            Task(self.preset, self.seed, number, min(CHUNK_JETS, self.jets - start))
            for number, start in enumerate(starts)
        )

    @property
    def parts(self) -> Path:
        """The folder of the chunks."""
        return self.path.with_name(f"{self.path.name}.parts")

    def part(self, task: Task) -> Path:
        """Return the file of a chunk."""
        return self.parts / f"{task.number:06d}-{task.jets}.npz"

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

    def clean(self) -> None:
        """Remove the chunks and their folder, unless something else is in it."""
        with contextlib.suppress(OSError):
            for path in self.parts.iterdir():
                if _OWN_NAME.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            self.parts.rmdir()


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


def simulate(
    production: Production,
    jobs: int,
    progress: JetProgress,
    chunks: Sequence[int] | None = None,
    finish: Callable[[Production], None] = merge,
) -> bool:
    """Make the chunks that are missing; if all are there, make the file and remove them.

    Args:
        production: What to make.
        jobs: Number of processes.
        progress: Wraps the chunks as they are done; also gets how many jets there are, and how
            many of them were made before.
        chunks: Make only these chunks, and no file; all if not given.
        finish: Writes the file from the chunks.

    Returns:
        Whether the file was made.

    Raises:
        BadInput: If the folder or file cannot be written, or holds something else, or there
            is no such chunk.
        NotAvailable: If Pythia or FastJet is not installed.
    """
    _prepare(production)
    # Other runs may make other chunks meanwhile, but not finish the same file.
    busy = f"another run makes {production.path}: wait for it, or give --chunks to help it"
    lock = alone(production.parts / "run.lock", busy)
    with lock if chunks is None else contextlib.nullcontext():
        return _simulate(production, jobs, progress, chunks, finish)


def _simulate(
    production: Production,
    jobs: int,
    progress: JetProgress,
    chunks: Sequence[int] | None,
    finish: Callable[[Production], None],
) -> bool:
    numbers = range(len(production.tasks)) if chunks is None else chunks
    if any(number not in range(len(production.tasks)) for number in numbers):
        raise BadInput(f"chunks are numbered from 0 to {len(production.tasks) - 1}: give these")
    wanted = [production.tasks[number] for number in numbers]
    missing = [task for task in wanted if not production.part(task).is_file()]
    total = sum(task.jets for task in wanted)
    made = total - sum(task.jets for task in missing)
    make = functools.partial(_make, production)
    for _ in progress(run_tasks(make, missing, jobs), total, made):
        pass
    if chunks is not None:
        return False
    finish(production)
    production.clean()
    return True


def _make(production: Production, task: Task) -> None:
    write_chunk(production.part(task), make_chunk(task))


def iter_chunks(production: Production) -> Iterator[Jets]:
    """Yield the chunks in the order of the file.

    Raises:
        BadInput: If a chunk is missing or damaged.
    """
    for task in production.tasks:
        if not production.part(task).is_file():
            raise BadInput(
                f"{production.part(task)} is not there any more: run the same command again"
            )
        jets = read_chunk(production.part(task))
        if len(jets) != task.jets:
            raise BadInput(
                f"{production.part(task)} is damaged: delete it and run the same command again"
            )
        yield jets


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}; give another --out") from error


def _prepare(production: Production) -> None:
    """Make sure that the jets can be written, before anything is computed."""
    if production.path.exists():
        raise BadInput(f"{production.path} is there already: give another --out or remove it")
    recipe = json.dumps(production.recipe(), indent=1)
    path = production.parts / _RECIPE
    if path.is_file():
        if _bytes(path) != recipe.encode():
            raise BadInput(
                f"{production.parts} holds jets of another preset, seed or version: "
                "remove it or give another --out"
            )
        return
    if production.parts.is_dir() and any(
        path.suffix != ".lock" for path in production.parts.iterdir()
    ):
        raise BadInput(f"{production.parts} holds something else: give another --out")
    write_atomically(path, recipe.encode())
