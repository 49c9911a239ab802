"""The FAIR principles that the package is held to, each with its evidence in the repository."""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

__all__ = ["Evidence", "Line", "load_checklist", "missing"]

STATES = ("met", "prepared")


@dataclass(frozen=True)
class Evidence:
    """A file of the repository that shows that a principle is met.

    Attributes:
        file: Its path from the root.
        text: What must be in it; None if it need only be there.
    """

    file: str
    text: str | None = None


@dataclass(frozen=True)
class Line:
    """One principle.

    Attributes:
        id: As in FAIR4RS; those that begin with ``M-`` are for models.
        principle: What is asked for.
        state: ``met``, or ``prepared`` for what only a release can bring about.
        said: How it is met.
        evidence: What shows it.
    """

    id: str
    principle: str
    state: str
    said: str
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if self.state not in STATES or not self.evidence:
            raise ValueError(f"{self.id} needs evidence, and a state of {', '.join(STATES)}")


@functools.cache
def load_checklist() -> tuple[Line, ...]:
    """Return all lines."""
    text = resources.files("repro.fair").joinpath("checklist.toml").read_text("utf-8")
    return tuple(
        Line(**{**entry, "evidence": tuple(Evidence(**each) for each in entry["evidence"])})
        for entry in tomllib.loads(text)["line"]
    )


def missing(line: Line, root: Path) -> Iterator[str]:
    """Yield what of a line's evidence is not in a repository.

    Args:
        line: The line.
        root: Of the repository.
    """
    for evidence in line.evidence:
        path = root / evidence.file
        if not path.is_file():
            yield f"{line.id}: {evidence.file} is not there"
        elif evidence.text is not None and evidence.text not in path.read_text("utf-8"):
            yield f"{line.id}: {evidence.file} has no {evidence.text!r} in it"
