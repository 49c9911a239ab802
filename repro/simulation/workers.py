"""Tasks for several processes, which may be killed at any time."""

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, Protocol, TypeVar

from tqdm import tqdm

from repro.errors import BadInput

__all__ = ["count_jets", "processors", "run_tasks"]

T = TypeVar("T")


class _Counted(Protocol):
    """A task that knows how many jets it makes."""

    @property
    def jets(self) -> int:
        """Number of jets."""


HasJets = TypeVar("HasJets", bound=_Counted)

_LIVES = 3


class _Worker(Generic[T]):
    """A process and the task that it is at."""

    def __init__(self, function: Callable[[T], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=_serve, args=(function, theirs), daemon=True
        )
        self.process.start()
        theirs.close()
        self.task: T | None = None

    def give(self, task: T) -> None:
        self.task = task
        self.connection.send(task)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def run_tasks(function: Callable[[T], None], tasks: Sequence[T], jobs: int) -> Iterator[T]:
    """Run a function on every task in several processes; yield each task that is done.

    A task whose process is killed is tried again in a new process.  When the caller stops
    iterating, all processes are killed.

    Args:
        function: A function of a module; it must be safe to kill.
        tasks: Its arguments.
        jobs: Number of processes; with one the tasks still run in a process of their own.

    Raises:
        Exception: What the function raises.
        BadInput: If processes keep being killed.
    """
    waiting = deque(tasks)
    deaths = 0
    workers = [_Worker(function) for _ in range(min(jobs, len(waiting)))]
    try:
        for worker in workers:
            worker.give(waiting.popleft())
        while any(worker.task is not None for worker in workers):
            busy = {w.connection: w for w in workers if w.task is not None}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                task = worker.task
                try:
                    failure = worker.connection.recv()
                except (EOFError, OSError):
                    deaths += 1
                    if deaths >= _LIVES:
                        raise BadInput(
                            f"{deaths} worker processes were killed: give fewer --jobs or more "
                            "memory, and run the same command again to go on"
                        ) from None
                    worker.stop()
                    workers[workers.index(worker)] = worker = _Worker(function)
                    worker.give(task)  # type: ignore[arg-type]
                    continue
                worker.task = None
                if failure is not None:
                    raise failure
                if waiting:
                    worker.give(waiting.popleft())
                yield task  # type: ignore[misc]
    finally:
        for worker in workers:
            worker.stop()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_jets(
    tasks: Iterable[HasJets], total: int, made: int, *, hidden: bool
) -> Iterator[HasJets]:
    """Show a bar on stderr that counts jets while tasks go by.

    Args:
        tasks: Tasks as they are done.
        total: Jets of all tasks.
        made: Jets that were there before.
        hidden: Whether to show nothing.
    """
    with tqdm(
        total=total,
        initial=made,
        unit=" jets",
        desc="simulating",
        disable=hidden,
        file=sys.stderr,
        smoothing=0.05,
    ) as bar:
        for task in tasks:
            bar.update(task.jets)
            yield task


def _serve(function: Callable[[T], None], connection: Connection) -> None:
    """Run tasks until the other end is closed."""
    # An interrupt goes to the parent, which kills its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            function(task)
        except MemoryError:
            connection.send(BadInput("not enough memory: give fewer --jobs"))
        except Exception as error:  # noqa: BLE001  # the parent raises it
            connection.send(error)
        else:
            connection.send(None)
