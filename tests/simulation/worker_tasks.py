"""What workers are given to do in tests: functions of a module, as workers need them."""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

from repro.errors import BadInput
from repro.simulation import chunked


def leave_mark(task):
    """Add a line to the task's file: it was done once more."""
    folder, name = task
    with (Path(folder) / str(name)).open("a") as stream:
        stream.write("done\n")


def die_the_first_time(task):
    folder, name = task
    mark = Path(folder) / f"{name}.died"
    if name == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    leave_mark(task)


def die_once_each(task):
    folder, name = task
    mark = Path(folder) / f"{name}.died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    leave_mark(task)


def divide_by_zero(_task):
    return 1 / 0


def wait_to_be_killed_the_first_time(task):
    folder, name = task
    mark = Path(folder) / f"{name}.pid"
    if name == 1 and not mark.exists():
        partial = mark.with_suffix(".new")
        partial.write_text(str(os.getpid()))
        partial.rename(mark)
        time.sleep(60)
    leave_mark(task)


def die(_task):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(_task):
    raise BadInput("this cannot be done")


def exhaust_memory(_task):
    raise MemoryError


def raise_what_cannot_be_sent(_task):
    class LocalError(Exception):
        pass

    raise LocalError("a bug")


def begin_productions(folder, count, barrier, said):
    """Begin productions one after the other, each at once with others; send what is wrong."""
    wrong = []
    for number in range(count):
        path = Path(folder) / str(number) / "jets.h5"
        parts = path.with_name("jets.h5.parts")
        barrier.wait()
        try:
            chunked._prepare(SimpleNamespace(path=path, parts=parts, recipe=lambda: {"seed": 1}))
        except BadInput as error:
            wrong.append(str(error))
    said.put(wrong)
