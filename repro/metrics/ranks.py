"""Places in a ranking of measured numbers: which may be exchanged, and what the leading ones are.

One number is larger than another if a test of their difference says so.  A ranking of k numbers is
k (k - 1) statements, "i is larger than j", so the tests are Holm's over all of them: with 95 %
confidence none of the separations of a ranking is wrong, and every true place is in its interval.
Testing each number against its neighbour alone would be fewer tests, but which are neighbours is
read off the same data.

Sources:
    Al Mohamad, Goeman and van Zwet, Biometrics 78 (2022) 238 (intervals of ranks from pairwise
    comparisons).
    Mogstad, Romano, Shaikh and Wilhelm, Rev. Econ. Stud. 91 (2024) 476 (one place, all places).
    Holm, Scand. J. Stat. 6 (1979) 65.
    Fieller, J. R. Stat. Soc. B 16 (1954) 175 (ratio).
    Chernozhukov, Lee and Rosen, Econometrica 81 (2013) 667 (ends of a largest number).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from repro.data.arrays import FloatArray
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import covariance_of, errors_of_differences
from repro.metrics.intervals import Interval

__all__ = ["Places", "largest", "place_interval", "places_of", "ratio_of_leading", "smallest"]

# Differences below this fraction of the largest number are rounding: a drop in AUC is a small
# difference of large ones.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Places:
    """Places of numbers, 1 for the largest.

    Attributes:
        rank: (k,), one plus how many are larger.
        first: (k,), the best place that each may have.
        last: (k,), the worst one.
        larger: (k, k), whether the row's number is known to be larger than the column's.
        paired: Whether the correlations of the errors are known; else independence is assumed.
    """

    rank: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    larger: NDArray[np.bool_]
    paired: bool

    def span(self, position: int) -> str:
        """Return the places that a number may have: ``2``, or ``2-5``."""
        first, last = self.first[position], self.last[position]
        return f"{first}" if first == last else f"{first}-{last}"


def places_of(numbers: Intervals, level: float | None = None) -> Places:
    """Return the places of numbers, with simultaneous intervals.

    Two numbers whose intervals of places overlap may still be told apart, see ``larger``.

    Args:
        numbers: With their intervals.
        level: Confidence that no separation is wrong; by default the level of the numbers.

    >>> ends = np.array([5.0, 1.0, 1.1]), np.array([4.8, 0.8, 0.9]), np.array([5.2, 1.2, 1.3])
    >>> found = places_of(Intervals(*ends, 0.95))
    >>> ", ".join(f"{found.rank[i]} in {found.span(i)}" for i in range(3))
    '1 in 1, 3 in 2-3, 2 in 2-3'
    """
    count = len(numbers)
    larger = _larger(numbers, np.ones((count, count), np.bool_), level)
    return Places(
        rank=1 + _seems_larger(numbers).sum(axis=0),
        first=1 + larger.sum(axis=0),
        last=count - larger.sum(axis=1),
        larger=larger,
        paired=numbers.correlation is not None,
    )


def place_interval(numbers: Intervals, position: int) -> Interval:
    """Return the place of one number, which was chosen before the numbers were known.

    Only its own comparisons count, so that the interval is narrower than that among all places.
    """
    asked = np.zeros((len(numbers), len(numbers)), np.bool_)
    asked[position, :] = asked[:, position] = True
    larger = _larger(numbers, asked)
    known = _known(numbers)
    return Interval(
        int(1 + (known > known[position]).sum()),
        int(1 + larger[:, position].sum()),
        int(len(numbers) - larger[position].sum()),
        numbers.level,
    )


def largest(numbers: Intervals) -> Interval:
    """Return the largest of some numbers, with an interval of the largest true one.

    The largest measured one errs upwards, for it was chosen as the largest.  So the lower end is
    that of simultaneous intervals (Bonferroni); for the upper end none of that is needed.

    >>> two = Intervals(np.array([1.0, 1.0]), np.array([0.0, 0.0]), np.array([2.0, 2.0]), 0.95)
    >>> found = largest(two)
    >>> round(found.low, 3), found.high
    (-0.144, 2.0)
    """
    tail = (1 - numbers.level) / 2
    wider = float(ndtri(tail / len(numbers)) / ndtri(tail))
    low = numbers.value - wider * (numbers.value - numbers.low)
    value = float(numbers.value.max())
    return Interval(value, float(low.max()), float(numbers.high.max()), numbers.level)


def smallest(numbers: Intervals) -> Interval:
    """Return the smallest of some numbers, with an interval of the smallest true one.

    As :func:`largest`: here the upper end is simultaneous.
    """
    mirrored = largest(Intervals(-numbers.value, -numbers.high, -numbers.low, numbers.level))
    return Interval(-mirrored.value, -mirrored.high, -mirrored.low, numbers.level)


def ratio_of_leading(numbers: Intervals) -> Interval | None:
    """Return the largest number divided by the second largest; None if that is not positive.

    The ends are Fieller's.  Which is the second largest is not known: the lower end is the least of
    the ratios to any of the others, the upper end too, but at simultaneous levels (Bonferroni).
    It is infinite if none of the others is known to be positive.
    """
    order = np.argsort(-_known(numbers), kind="stable")
    first, others = order[0], order[1:]
    if not len(others) or not numbers.value[others[0]] > 0:
        return None
    value = float(numbers.value[first] / numbers.value[others[0]])
    if np.isnan(numbers.low[order]).any():
        return Interval(value, np.nan, np.nan, numbers.level)
    tail = (1 - numbers.level) / 2
    low, _ = _fieller(numbers, first, others, -float(ndtri(tail)))
    _, high = _fieller(numbers, first, others, -float(ndtri(tail / len(others))))
    return Interval(value, float(low.min()), float(high.min()), numbers.level)


def _seems_larger(numbers: Intervals) -> NDArray[np.bool_]:
    """Return (k, k), whether the row's number exceeds the column's by more than rounding."""
    known = _known(numbers)
    most = np.nanmax(np.abs(numbers.value), initial=0.0)
    return np.asarray(known[:, None] > known[None, :] + _ROUNDING * most)


def _known(numbers: Intervals) -> FloatArray:
    """Return the values; what is undefined comes last."""
    return np.where(np.isnan(numbers.value), -np.inf, numbers.value)


def _larger(
    numbers: Intervals, asked: NDArray[np.bool_], level: float | None = None
) -> NDArray[np.bool_]:
    """Return (k, k), whether the row's number is larger than the column's, for those asked about.

    Holm's tests over all statements that are asked about, one-sided; nothing is larger than itself.
    """
    value = numbers.value
    difference = value[:, None] - value[None, :]
    error = errors_of_differences(numbers)
    z = np.zeros_like(difference)
    np.divide(difference, error, out=z, where=error > 0)
    # What has no error at all is as large as it seems.
    p = np.where(error > 0, ndtr(-z), np.where(difference > 0, 0.0, 1.0))
    same = np.abs(difference) <= _ROUNDING * np.nanmax(np.abs(value), initial=0.0)
    p[same | np.isnan(difference) | np.isnan(error)] = 1.0
    rows, columns = np.nonzero(asked & ~np.eye(len(value), dtype=np.bool_))
    tests = p[rows, columns]
    order = np.argsort(tests, kind="stable")
    allowed = (1 - (level or numbers.level)) / np.arange(len(tests), 0, -1)
    passed = np.logical_and.accumulate(tests[order] <= allowed)
    larger = np.zeros(p.shape, np.bool_)
    larger[rows[order[passed]], columns[order[passed]]] = True
    return larger


def _fieller(
    numbers: Intervals, first: np.int64, others: NDArray[np.int64], z: float
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the ratios of one number to others, not below zero; maybe infinite."""
    covariance = covariance_of(numbers)
    mine, theirs = numbers.value[first], numbers.value[others]
    leading = theirs**2 - z**2 * np.diag(covariance)[others]
    middle = mine * theirs - z**2 * covariance[first, others]
    constant = mine**2 - z**2 * covariance[first, first]
    root = np.sqrt((middle**2 - leading * constant).clip(min=0))
    low, high = np.full(len(others), np.inf), np.full(len(others), np.inf)
    np.divide(constant, middle + root, out=low, where=middle + root > 0)
    np.divide(middle + root, leading, out=high, where=(leading > 0) & (theirs > 0))
    return np.where(constant > 0, low, 0.0), high
