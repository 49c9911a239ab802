"""What changes in an item when the originals' quirks are off: two results of the same jets.

A quirk changes the numbers of the very jets at hand, so a difference has no statistical error for
these jets.  Whether it matters is another question: the yardstick is half the width of the
interval that the published way has on them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from repro.figures.rankings import top
from repro.metrics.intervals import Interval, clopper_pearson
from repro.results.document import Result, look_up

__all__ = [
    "LEADING",
    "Differences",
    "NumberChange",
    "OrderChange",
    "compare",
    "share_of_changed_rows",
]

LEADING = 5
"""So many leading names of a ranking are shown."""


@dataclass(frozen=True)
class NumberChange:
    """A number both ways.

    Attributes:
        path: Where it is in the values.
        published: As published.
        corrected: With the quirks off.
        interval: Of the published way; None for a number without one, such as a count.
    """

    path: str
    published: float
    corrected: float
    interval: tuple[float, float] | None = None

    @property
    def changes(self) -> bool:
        """Whether it is another number at all."""
        return self.published != self.corrected

    @property
    def half_widths(self) -> float | None:
        """The difference in half widths of the interval; None if there is no width."""
        width = (self.interval[1] - self.interval[0]) / 2 if self.interval else 0.0
        return (self.corrected - self.published) / width if width > 0 else None

    @property
    def beyond(self) -> bool:
        """Whether the corrected number is outside the interval of the published one."""
        if self.interval is None:
            return False
        low, high = self.interval
        return not low <= self.corrected <= high


@dataclass(frozen=True)
class OrderChange:
    """A ranking both ways, largest first.

    Attributes:
        path: Where the ranked numbers are in the values.
        published: All names in the order of the published way.
        corrected: In that of the corrected way.
        tau: Kendall's τ of the names that both have, 1 if no two of them change places; None if
            it is undefined.
    """

    path: str
    published: tuple[str, ...]
    corrected: tuple[str, ...]
    tau: float | None

    @property
    def changes(self) -> bool:
        """Whether the leading names are others, or stand in another order."""
        return self.published[:LEADING] != self.corrected[:LEADING]

    @property
    def same_first(self) -> bool:
        """Whether the same name is first."""
        return self.published[:1] == self.corrected[:1]


@dataclass(frozen=True)
class Differences:
    """What changes in one item.

    Attributes:
        numbers: Those that were asked for and have a value both ways.
        orders: All rankings of the item.
    """

    numbers: tuple[NumberChange, ...]
    orders: tuple[OrderChange, ...]

    @property
    def largest(self) -> NumberChange | None:
        """The number that changes most in half widths; without widths, any that changes."""
        changed = [number for number in self.numbers if number.changes]
        return max(changed, key=lambda number: abs(number.half_widths or 0.0), default=None)


def compare(published: Result, corrected: Result, paths: Iterable[str]) -> Differences:
    """Return what changes between two results of an item on the same jets.

    Args:
        published: With the quirks on.
        corrected: With the quirks off.
        paths: Which numbers to compare, such as those that the paper's claims name.  Of a path
            that leads to no number in one of the results nothing is said: it is not defined on
            these jets, or a list of names.
    """
    numbers = (_number_change(path, published, corrected) for path in dict.fromkeys(paths))
    return Differences(
        tuple(number for number in numbers if number),
        tuple(_order_changes(published.values, corrected.values)),
    )


def share_of_changed_rows(
    published: NDArray[np.floating],
    corrected: NDArray[np.floating],
    tolerance: float = 1e-3,
) -> Interval:
    """Return the share of jets of which some input is another one.

    Args:
        published: (n, inputs) of the same jets both ways.
        corrected: (n, inputs).
        tolerance: So far apart, absolutely or relatively, inputs differ by more than rounding.
    """
    same = np.isclose(published, corrected, rtol=tolerance, atol=tolerance)
    return clopper_pearson(int((~same.all(axis=1)).sum()), len(same))


def _number_change(path: str, published: Result, corrected: Result) -> NumberChange | None:
    before, after = (look_up(result.values, path) for result in (published, corrected))
    first, second = _number(before), _number(after)
    if first is None or second is None:
        return None
    low, high = (isinstance(before, Mapping) and before.get("interval")) or (None, None)
    interval = None if low is None or high is None else (low, high)
    return NumberChange(path, first, second, interval)


def _number(found: object) -> float | None:
    value = found.get("value") if isinstance(found, Mapping) else found
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _order_changes(
    published: Mapping[str, Any], corrected: Mapping[str, Any]
) -> Iterator[OrderChange]:
    for path, entries in _rankings(published):
        others = look_up(corrected, path)
        if not isinstance(others, Mapping):
            continue
        yield OrderChange(path, _ordered(entries), _ordered(others), _tau(entries, others))


def _rankings(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the entries of each ranking: named numbers with a unit."""
    for name, entry in values.items():
        path = f"{prefix}{name}"
        if not isinstance(entry, Mapping):
            continue
        # Bars that are named by their rank have no order of their own.
        bars = all(isinstance(bar, Mapping) and "unit" in bar for bar in entry.values())
        if entry and bars and not all(key.isdigit() for key in entry):
            yield path, entry
        else:
            yield from _rankings(entry, f"{path}.")


def _ordered(entries: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, _ in top(entries))


def _tau(first: Mapping[str, Any], second: Mapping[str, Any]) -> float | None:
    both = set(_ordered(first)) & set(_ordered(second))
    numbers = [[entries[name]["value"] for name in sorted(both)] for entries in (first, second)]
    tau = float(kendalltau(*numbers).statistic) if both else np.nan
    return None if np.isnan(tau) else tau
