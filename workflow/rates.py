"""What a job costs: time, memory and disk, from rates that were measured.

``rates.json`` has the rates, each with what it was read from.  Snakemake asks for a multiple of
this; the documentation makes its plan of it.  Runs with Python 3.8 and nothing else.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Cost", "Rates"]

_FILE = Path(__file__).with_name("rates.json")
_MB = 1e6


class Cost(NamedTuple):
    """What a job takes.

    Attributes:
        seconds: Of one processor.
        memory: At most, in MB.
        disk: Of what stays, in MB.
    """

    seconds: float
    memory: float
    disk: float

    @property
    def minutes(self) -> int:
        """Minutes to ask a batch system for: three times as many, as machines differ, and ten."""
        return 10 + math.ceil(3 * self.seconds / 60)

    @property
    def mem_mb(self) -> int:
        """Megabytes of memory to ask for: half as many again, and 500."""
        return 500 + math.ceil(1.5 * self.memory)

    @property
    def disk_mb(self) -> int:
        """Megabytes of disk to ask for: twice as many, and 100."""
        return 100 + math.ceil(2 * self.disk)


class Rates:
    """All rates, by rule and by what the rule works on.

    Args:
        entries: Those of ``rates.json``.
    """

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries: dict[tuple[str, str], dict[str, Any]] = {
            (entry["rule"], entry["kind"]): entry for entry in entries
        }

    @classmethod
    def load(cls) -> Rates:
        """Return the rates that were measured."""
        return cls(json.loads(_FILE.read_text("utf-8"))["rates"])

    def find(self, rule: str, *kinds: str) -> dict[str, Any]:
        """Return the first rate that is known of a rule.

        Args:
            rule: Its name.
            kinds: What it works on, the closest first, such as a variant and its family.

        Raises:
            KeyError: If none is.
        """
        for kind in kinds:
            if (rule, kind) in self.entries:
                return self.entries[rule, kind]
        msg = f"no rate of {rule} of {kinds[-1]}"
        raise KeyError(msg)

    def cost(self, rule: str, *kinds: str, jets: int, times: float = 1) -> Cost:
        """Return what a job of a rule takes.

        Args:
            rule: Its name.
            kinds: As :meth:`find` takes them.
            jets: How many jets it works on.
            times: How often it does what takes time with each, such as epochs.

        Raises:
            KeyError: If no rate is known.

        >>> entry = {"rule": "score", "kind": "pfn", "seconds": 5, "seconds_per_jet": 0.01,
        ...     "memory_mb": 300, "memory_bytes_per_jet": 1000, "disk_bytes_per_jet": 4}
        >>> Rates([entry]).cost("score", "pfn:v4", "pfn", jets=1000, times=2)
        Cost(seconds=25.0, memory=301.0, disk=0.004)
        """
        rate = self.find(rule, *kinds)
        return Cost(
            rate["seconds"] + times * jets * rate["seconds_per_jet"],
            rate["memory_mb"] + jets * rate["memory_bytes_per_jet"] / _MB,
            rate.get("disk_mb", 0) + jets * rate["disk_bytes_per_jet"] / _MB,
        )
