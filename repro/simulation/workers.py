"""Tasks for several processes, which may be killed at any time."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, Protocol, TypeVar

from repro.data.progress import make_bar
from repro.errors import BadInput, ReproError

__all__ = ["count_jets", "processors", "run_tasks"]

T = TypeVar("T")

# A task that kills three processes one after the other will kill the fourth.
_LIVES = 3


class _Counted(Protocol):
    """A task that knows how many jets it makes."""

    @property
    def jets(self) -> int:
        """Number of jets."""


HasJets = TypeVar("HasJets", bound=_Counted)


class _Worker(Generic[T]):
    """A process, and the task that it is at."""

    def __init__(self, function: Callable[[T], None], deaths: int = 0) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=_serve, args=(function, theirs), daemon=True
        )
        self.process.start()
        theirs.close()
        self.tasks: list[T] = []
        self.deaths = deaths  # of processes before it, at the same task

    def give(self, task: T) -> None:
        """Send a task; a process that has just died is noticed when it does not answer."""
        self.tasks = [task]
        try:
            self.connection.send(task)
        except OSError:
            self.process.join()

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
        Exception: What the function raises, with the traceback of its process as a note.
        BadInput: If processes keep being killed.
    """
    waiting = deque(tasks)
    workers: list[_Worker[T]] = []
    try:
        for _ in range(min(jobs, len(waiting))):
            workers.append(_Worker(function))
            workers[-1].give(waiting.popleft())
        while busy := {w.connection: w for w in workers if w.tasks}:
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                (task,) = worker.tasks
                try:
                    failure = worker.connection.recv()
                except (EOFError, OSError):
                    worker.stop()
                    if worker.deaths + 1 == _LIVES:
                        raise _explain(worker.process) from None
                    successor = _Worker(function, worker.deaths + 1)
                    workers[workers.index(worker)] = successor
                    successor.give(task)
                    continue
                if failure is not None:
                    raise failure
                worker.tasks, worker.deaths = [], 0
                if waiting:
                    worker.give(waiting.popleft())
                yield task
    finally:
        for worker in workers:
            worker.stop()


def _explain(process: SpawnProcess) -> ReproError | RuntimeError:
    code = process.exitcode
    if code is not None and code > 0:
        return RuntimeError(
            f"a worker process ended by itself with exit code {code}; a script that simulates "
            "must guard its own start with: if __name__ == '__main__':"
        )
    return BadInput(
        f"{_LIVES} worker processes were killed, one after the other: give fewer --jobs or more "
        "memory, and run the same command again to go on"
    )


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
    with make_bar(
        label="simulating",
        hidden=hidden,
        total=total,
        initial=made,
        unit=" jets",
        smoothing=0.05,
    ) as bar:
        for task in tasks:
            bar.update(task.jets)
            yield task


def _serve(function: Callable[[T], None], connection: Connection) -> None:
    """Run tasks until the other end is closed."""
    # An interrupt goes to the parent, which kills its workers; without a parent there is no work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
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
            connection.send(_portable(error))
        else:
            connection.send(None)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """Return the error, or one like it that can be sent to another process."""
    said = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    except Exception:  # noqa: BLE001  # pickling fails in any way it likes
        error = RuntimeError(f"{type(error).__name__}: {error}")
    if not isinstance(error, ReproError):
        error.add_note(said)
    return error
