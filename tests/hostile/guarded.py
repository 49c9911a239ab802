"""Run a reader under the law: a value or one line, in bounded time and memory."""

import contextlib
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from repro.errors import ReproError

SECONDS = 20
"""Of the processor: a reader that takes longer hangs, small files take a tenth of a second."""

MEMORY = 2**30
"""Bytes by which the memory of the process may rise: a block of HDF5 may be a quarter of it."""

LONGEST = 2100  # a message is cut after 2000 characters


class Broken(AssertionError):
    """The law was broken; what it says is the same for the same fault."""


class TookTooLong(BaseException):
    """Raised in whatever runs when the time is up; no reader catches it."""


@dataclass(frozen=True)
class Outcome:
    """What came of it: a value, or the line that says why there is none."""

    value: object = None
    error: str | None = None


def read_under_law(reader, path):
    """Return what a reader makes of a file.

    Raises:
        Broken: If it is neither a value nor one line, or takes too long or too much.
    """
    before, started = _resident(reset=True), time.monotonic()
    try:
        with _alarm(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome = Outcome(value=reader.read(path))
    except ReproError as error:
        outcome = Outcome(error=str(error))
    except TookTooLong:
        raise Broken(f"took more than {SECONDS} s") from None
    except Exception as error:
        raise Broken(f"{type(error).__name__} at {_place(error)}: {str(error)[:200]}") from error
    grown = _resident(reset=False) - before
    if grown > MEMORY:
        raise Broken(f"took {grown >> 20} MiB, in {time.monotonic() - started:.1f} s")
    if outcome.error is not None:
        check_line(outcome.error)
    return outcome


def check_line(text):
    """Raise unless a message is one line that can be printed."""
    if not text or len(text) > LONGEST or not text.isprintable():
        raise Broken(f"a message that is no line: {text[:200]!r}")


_CLOCKS = ((signal.SIGPROF, signal.ITIMER_PROF, 1), (signal.SIGALRM, signal.ITIMER_REAL, 6))
"""Time of the processor, and for what waits the time of the day, on a machine that may be busy."""


@contextlib.contextmanager
def _alarm(seconds):
    def ring(*_):
        raise TookTooLong

    before = [signal.signal(number, ring) for number, _, _ in _CLOCKS]
    for _, clock, factor in _CLOCKS:
        signal.setitimer(clock, factor * seconds)
    try:
        yield
    finally:
        for (number, clock, _), handler in zip(_CLOCKS, before, strict=True):
            signal.setitimer(clock, 0)
            signal.signal(number, handler)


def _place(error):
    """The deepest line of the package in a traceback, and the deepest of all."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        lines.append((file, trace.tb_frame.f_code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    ours = [line for line in lines if "repro" in line[0].parts and "tests" not in line[0].parts]
    return " < ".join(f"{file.name}:{name}" for file, name, _ in reversed([*ours[-1:], lines[-1]]))


def _resident(*, reset):
    """Bytes in memory: now, or the most since the last reset where Linux tells."""
    with contextlib.suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:" if reset else "VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0
