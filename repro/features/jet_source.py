"""A file of jets as results describe it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["JetSource", "published_length"]

# The authors made the inputs of MBNS in blocks of so many jets, and dropped what was left.
_MBNS_BLOCK = 100_000


@dataclass(frozen=True)
class JetSource:
    """A file of jets.

    Attributes:
        path: Where it is.
        block: What names it in a result: source, id, DOI, hashes.
    """

    path: Path
    block: dict[str, Any]

    @property
    def is_paper(self) -> bool:
        """Whether it is the paper's own file."""
        return bool(self.block["source"] == "paper")

    @property
    def name(self) -> str:
        """The jets in words, without their number."""
        simulated = self.block["source"] == "embedded"
        return "simulated jets" if simulated else f"jets of {self.path.name}"

    def used(self, family: str, length: int, corrected: bool) -> int:
        """Return how many of its jets are used at most, of so many."""
        return published_length(family, length) if self.is_paper and not corrected else length

    def facts(self, length: int, used: int, total: int, kept: int) -> dict[str, Any]:
        """Return ``kind``, ``description`` and ``data`` of a sample of its jets.

        Args:
            length: Number of jets in the file.
            used: How many of them are used at most, see :meth:`used`.
            total: How many were read.
            kept: How many of these have inputs.
        """
        dropped = total - kept
        without = f", without {dropped:,} that have no subjettiness" if dropped else ""
        share = "all" if total == length else "the first"
        return {
            "kind": ("complete" if total == used else "subset") if self.is_paper else "other",
            "description": f"{share} {total:,} {self.name}{without}",
            "data": {
                **self.block,
                "jets": kept,
                "selection": f"{'all' if total == length else f'first {total}'}{without}",
            },
        }


def published_length(family: str, length: int) -> int:
    """Return how many jets of a file the authors used.

    >>> published_length("mbns", 404_000), published_length("pfn", 404_000)
    (400000, 404000)
    """
    blocks = length // _MBNS_BLOCK
    return blocks * _MBNS_BLOCK if family == "mbns" and blocks else length
