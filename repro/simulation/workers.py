"""Tasks for several processes, which may be killed at any time."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from repro.errors import BadInput

__all__ = ["run_tasks"]

T = TypeVar("T")

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
