"""How long something takes: several times over, with the spread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["Timing", "measure_times"]


@dataclass(frozen=True)
class Timing:
    """Times of one thing, turn by turn.

    Attributes:
        seconds: By the clock, one for each turn that counts.
    """

    seconds: tuple[float, ...]

    def __add__(self, other: "Timing") -> "Timing":
        """Return the times of both together, turn by turn.

        >>> Timing((1.0, 2.0)) + Timing((0.5, 0.5))
        Timing(seconds=(1.5, 2.5))
        """
        return Timing(tuple(a + b for a, b in zip(self.seconds, other.seconds, strict=True)))

    @property
    def median(self) -> float:
        """Seconds in the middle of all turns."""
        return float(np.median(self.seconds))

    @property
    def least(self) -> float:
        """Seconds of the fastest turn: what the machine can do if nothing disturbs it."""
        return min(self.seconds)

    def rates(self, count: float) -> dict[str, Any]:
        """Return how many things a second, if there are so many: the median and its spread.

        Returns:
            ``median``, the quartiles ``low`` and ``high``, the ``best``, and how many ``turns``.

        >>> Timing((1.0, 2.0, 4.0)).rates(8)
        {'median': 4.0, 'low': 3.0, 'high': 6.0, 'best': 8.0, 'turns': 3}
        """
        rates = count / np.asarray(self.seconds)
        low, median, high = np.quantile(rates, [0.25, 0.5, 0.75])
        return {
            "median": float(median),
            "low": float(low),
            "high": float(high),
            "best": float(rates.max()),
            "turns": len(self.seconds),
        }


def measure_times(
    functions: Sequence[Callable[[], object]], repeats: int, device: torch.device | str = "cpu"
) -> list[Timing]:
    """Return the times of each function.

    The functions take turns, so that what else the machine does meets all of them.  The first
    turn warms caches up and does not count.

    Args:
        functions: What is measured.
        repeats: How many turns count.
        device: Where they compute; waited for.

    >>> [timing.median < 1 for timing in measure_times([int, float], 2)]
    [True, True]
    """
    found: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for seconds, function in zip(found, functions, strict=True):
            _wait(device)
            start = time.perf_counter()
            function()
            _wait(device)
            took = time.perf_counter() - start
            if turn:
                seconds.append(took)
    return [Timing(tuple(seconds)) for seconds in found]


def _wait(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
