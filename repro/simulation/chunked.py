"""Productions of many jets: chunks made by several processes, kept in a folder, then one file.

The folder ``FILE.parts`` beside the file has one small file for each chunk.  What is in it is
not made again: an interrupted production goes on, and chunks can be made on several machines
that share the folder.  What the jets are is a matter of each kind of production.
"""

import contextlib
import functools
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from repro.data.atomic import write_atomically
from repro.data.locks import alone
from repro.errors import BadInput
from repro.simulation.workers import run_tasks

__all__ = ["Chunked", "JetProgress", "check_numbers", "iter_chunks", "simulate", "sizes_of_chunks"]

_RECIPE = "recipe.json"
# Chunks, what a killed process left of one, the recipe and the lock.
_OWN_NAME = re.compile(r"\.?\d{6,}-\d+\.npz(\.\w+)?|\.?recipe\.json(\.\w+)?|run\.lock")
_UNFINISHED_RECIPE = re.compile(r"\.recipe\.json\.\w+")


class ChunkTask(Protocol):
    """A chunk to make: its number in the production, and how many jets it has."""

    @property
    def number(self) -> int:
        """Number of the chunk."""

    @property
    def jets(self) -> int:
        """Number of jets."""


T = TypeVar("T", bound=ChunkTask)
J = TypeVar("J", bound=Sized)

JetProgress = Callable[[Iterable[Any], int, int], Iterable[Any]]
"""Gives tasks as they are done; also gets how many jets there are, and were made before."""


def check_numbers(jets: int, seed: int) -> None:
    """Raise unless so many jets can be made with this seed.

    Raises:
        BadInput: If a number makes no sense.
    """
    if jets < 1:
        raise BadInput(f"--jets {jets}: give 1 or more")
    if seed < 0:
        raise BadInput(f"--seed {seed}: give 0 or more")


def sizes_of_chunks(jets: int, size: int) -> list[int]:
    """Return how many jets each chunk has.

    >>> sizes_of_chunks(1100, 500)
    [500, 500, 100]
    """
    return [min(size, jets - start) for start in range(0, jets, size)]


class Chunked(ABC, Generic[T, J]):
    """Jets to simulate, in chunks of which each follows from its number alone.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    @abstractmethod
    def tasks(self) -> tuple[T, ...]:
        """All chunks, in the order of the file."""

    @abstractmethod
    def recipe(self) -> dict[str, Any]:
        """Return what the jets follow from, but for their number.

        Raises:
            NotAvailable: If Pythia or FastJet is not installed.
        """

    @abstractmethod
    def make(self, task: T) -> J:
        """Simulate a chunk."""

    @abstractmethod
    def keep(self, path: Path, jets: J) -> None:
        """Write a chunk whole or not at all."""

    @abstractmethod
    def read(self, path: Path) -> J:
        """Read a chunk.

        Raises:
            BadInput: If it is damaged.
        """

    @abstractmethod
    def write(self) -> None:
        """Write the file from its chunks."""

    @property
    def parts(self) -> Path:
        """The folder of the chunks."""
        return self.path.with_name(f"{self.path.name}.parts")

    def part(self, task: T) -> Path:
        """Return the file of a chunk."""
        return self.parts / f"{task.number:06d}-{task.jets}.npz"

    def clean(self) -> None:
        """Remove the chunks and their folder, unless something else is in it."""
        with contextlib.suppress(OSError):
            for path in self.parts.iterdir():
                if _OWN_NAME.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            self.parts.rmdir()


P = TypeVar("P", bound=Chunked[Any, Any])


def simulate(
    production: P,
    jobs: int,
    progress: JetProgress,
    chunks: Sequence[int] | None = None,
    finish: Callable[[P], None] | None = None,
) -> bool:
    """Make the chunks that are missing; if all are there, make the file and remove them.

    Args:
        production: What to make.
        jobs: Number of processes.
        progress: Wraps the chunks as they are done; also gets how many jets there are, and how
            many of them were made before.
        chunks: Make only these chunks, and no file; all if not given.
        finish: Writes the file from the chunks, if not as the production itself does.

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
    production: P,
    jobs: int,
    progress: JetProgress,
    chunks: Sequence[int] | None,
    finish: Callable[[P], None] | None,
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
    if finish is None:
        production.write()
    else:
        finish(production)
    production.clean()
    return True


def _make(production: Chunked[T, Any], task: T) -> None:
    production.keep(production.part(task), production.make(task))


def iter_chunks(production: Chunked[Any, J]) -> Iterator[J]:
    """Yield the chunks in the order of the file.

    Raises:
        BadInput: If a chunk is missing or damaged.
    """
    for task in production.tasks:
        if not production.part(task).is_file():
            raise BadInput(
                f"{production.part(task)} is not there any more: run the same command again"
            )
        jets = production.read(production.part(task))
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


def _prepare(production: Chunked[Any, Any]) -> None:
    """Make sure that the jets can be written, before anything is computed."""
    if production.path.exists():
        raise BadInput(f"{production.path} is there already: give another --out or remove it")
    recipe = json.dumps(production.recipe(), indent=1).encode()
    path = production.parts / _RECIPE
    if _holds(path, recipe):
        return
    # Others may begin the same at once: what they write is no stranger's, and once there is a chunk
    # of theirs, their recipe is there too.
    if _strangers(production.parts) and not _holds(path, recipe):
        raise BadInput(f"{production.parts} holds something else: give another --out")
    write_atomically(path, recipe)


def _holds(path: Path, recipe: bytes) -> bool:
    """Whether a recipe is there.

    Raises:
        BadInput: If it is another one.
    """
    if not path.is_file():
        return False
    if _bytes(path) != recipe:
        raise BadInput(
            f"{path.parent} holds jets of another preset, seed or version: "
            "remove it or give another --out"
        )
    return True


def _strangers(parts: Path) -> bool:
    """Whether there is something in a folder that does not come from beginning a production."""
    return parts.is_dir() and any(
        path.suffix != ".lock" and not _UNFINISHED_RECIPE.fullmatch(path.name)
        for path in parts.iterdir()
    )
