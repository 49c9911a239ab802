"""Campaigns: spoil a reader's valid file again and again, and keep the smallest that breaks it."""

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guarded import Broken, Outcome, read_under_law
from hypothesis import HealthCheck, Phase, given, seed, settings
from mutations import inputs_of
from readers import READERS

_AT_ONCE = 200  # examples between two looks at the clock
_SHRINKING = 30.0  # seconds beyond the end


@dataclass
class Target:
    """A reader with the bytes of its valid file, in a folder of its own.

    Attributes:
        name: Key of READERS.
        folder: Where its files are written.
        keep: Where inputs with an answer of their own are kept; nowhere if None.
    """

    name: str
    folder: Path
    keep: Path | None = None
    valid: bytes = b""
    beside: dict[str, bytes] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        READERS[self.name].make(self.path)
        files = {file.name: file.read_bytes() for file in self.folder.iterdir()}
        self.valid = files.pop(self.path.name)
        self.beside = files

    @property
    def path(self) -> Path:
        """The file that is spoiled."""
        return self.folder / READERS[self.name].name

    def read(self, data: bytes) -> Outcome:
        """Read the file with these bytes.

        Raises:
            Broken: If that breaks the law.
        """
        for name, content in self.beside.items():
            (self.folder / name).write_bytes(content)
        self.path.write_bytes(data)
        outcome = read_under_law(READERS[self.name], self.path)
        self._keep(data, outcome)
        return outcome

    def _keep(self, data: bytes, outcome: Outcome) -> None:
        answer = signature(str(outcome.error))
        if self.keep is not None and answer not in self.answers:
            write(self.keep, data)
        self.answers.add(answer)


@dataclass(frozen=True)
class Finding:
    """An input that broke the law, and how."""

    data: bytes
    said: str


@contextmanager
def opened(name: str, keep: Path | None = None) -> Iterator[Target]:
    """Give a target in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="repro-fuzz-") as folder:
        yield Target(name, Path(folder), keep)


def signature(said: str) -> str:
    """Return what faults of one kind have in common.

    >>> signature("took 2048 MiB, in 1.2 s")
    'took # MiB, in # s'
    """
    return re.sub(r"'[^']*'|\d+(\.\d+)?|0x[0-9a-f]+", "#", said)


def write(folder: Path, data: bytes) -> Path:
    """Keep an input under the name that its bytes give."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path


def run(
    target: Target, *, examples: int = 10**9, seconds: float = 1e9, first_seed: int = 0
) -> tuple[int, list[Finding]]:
    """Return how many inputs were tried, and the smallest found of each fault."""
    end, tried = time.monotonic() + seconds, 0
    found: dict[str, Finding] = {}
    while tried < examples and time.monotonic() < end:
        at_once = min(_AT_ONCE, examples - tried)
        count, new = _round(target, at_once, first_seed + tried, set(found), end)
        found |= new
        tried += max(count, 1)
    return tried, list(found.values())


def _round(
    target: Target,
    examples: int,
    number: int,
    known: set[str],
    end: float,
) -> tuple[int, dict[str, Finding]]:
    """Return how many inputs were tried, and the smallest that shows something new."""
    smallest: dict[str, Finding] = {}
    count = 0

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(inputs_of(target.path.name, target.valid))
    def attempt(data: bytes) -> None:
        nonlocal count
        if time.monotonic() > end + (_SHRINKING if smallest else 0):
            return
        count += 1
        try:
            target.read(data)
        except Broken as error:
            kind = signature(str(error))
            if kind not in known:
                smallest[kind] = Finding(data, str(error))
                raise

    try:
        attempt()
    except Exception:  # hypothesis may call it flaky, once time is up
        if not smallest:
            raise
    return count, smallest
