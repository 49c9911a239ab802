"""Means over jets, their closed-form intervals, and draws of means that might have been.

The mean of many jets is Gaussian around the true mean with covariance Σ/n, so statistics of
means need no resampling of jets: draw means from that Gaussian and evaluate the statistic.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.data.rows import Table, iter_blocks
from repro.errors import BadInput
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import (
    correlation_from,
    correlation_of,
    correlation_of_means,
    influence,
)
from repro.metrics.intervals import Interval

__all__ = [
    "Moments",
    "PanelMeans",
    "Sums",
    "add_rows",
    "column_means",
    "draw_means",
    "mean_intervals",
    "moments",
    "moments_of",
    "percentile_intervals",
]

Moments = tuple[int, FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Sums:
    """What moments of rows are made of, while the rows come in.

    Attributes:
        count: Number of rows.
        shift: (k,), the mean of the first rows: around a point near the mean the sums lose no
            digits when subtracted.
        total: (k,), sum of rows - shift.
        cross: (k, k), sum of their outer products.
    """

    count: int
    shift: FloatArray
    total: FloatArray
    cross: FloatArray


def mean_intervals(values: FloatArray, level: float = 0.95) -> Intervals:
    """Return the mean of each column with its large-sample interval, mean ± z·s/√n.

    The errors of the means are those of the same jets; their correlation comes along.

    Args:
        values: (n, k); NaN entries are left out of their column.
        level: Confidence level.

    Raises:
        BadInput: If there is no row.

    >>> mean_intervals(np.array([[1.0], [2.0], [3.0]])).value
    array([2.])
    """
    mean, margin = _means_and_margins(values, level)
    correlation = correlation_of_means(values)
    return Intervals(mean, mean - margin, mean + margin, level, correlation)


def _means_and_margins(values: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    if not len(values):
        raise BadInput("there are no jets to average over")
    count = (~np.isnan(values)).sum(axis=0)
    filled = np.maximum(count, 1)
    mean = np.where(count > 0, np.nansum(values, axis=0) / filled, np.nan)
    squares = np.nansum((values - mean) ** 2, axis=0)
    # One jet has a mean and no spread: no interval.
    spread = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
    return mean, float(ndtri((1 + level) / 2)) * np.sqrt(spread / filled)


class PanelMeans:
    """Panels of means over jets, whose columns come one after the other and are not kept.

    Args:
        level: Confidence level of the intervals.
    """

    def __init__(self, level: float) -> None:
        self._level = level
        self._columns: dict[str, list[Interval]] = {}
        self._influences: dict[str, list[FloatArray]] = {}

    def add(self, panel: str, column: FloatArray) -> None:
        """Add the values (n,) of the jets that a panel is about; NaN is left out.

        Raises:
            BadInput: If there is no jet.
        """
        mean, margin = (float(part) for part in _means_and_margins(column, self._level))
        found = Interval(mean, mean - margin, mean + margin, self._level)
        self._columns.setdefault(panel, []).append(found)
        self._influences.setdefault(panel, []).append(influence(column))

    def panels(self) -> dict[str, Intervals]:
        """Return all panels, with the correlations of their errors."""
        return {
            name: Intervals.of(columns, self._level, correlation_of(self._influences[name]))
            for name, columns in self._columns.items()
        }


def column_means(rows: Table) -> FloatArray:
    """Return the mean of each column of rows (n, k), which are read some at a time.

    Raises:
        BadInput: If there is no row.

    >>> column_means(np.array([[1.0, 5.0], [3.0, 5.0]]))
    array([2., 5.])
    """
    if not len(rows):
        raise BadInput("there are no jets to average over")
    sums = (block.sum(axis=0, dtype=np.float64) for block in iter_blocks(rows))
    return np.asarray(sum(sums) / len(rows))


def moments(batches: Iterable[FloatArray]) -> Moments:
    """Accumulate number, mean and covariance (ddof 1) of rows that come in batches.

    Args:
        batches: Arrays (n_i, k).

    Returns:
        Number of rows, mean (k,), covariance (k, k).

    Raises:
        BadInput: If there are fewer than two rows.
    """
    sums = None
    for batch in batches:
        sums = add_rows(sums, batch)
    return moments_of(sums)


def add_rows(sums: Sums | None, rows: FloatArray) -> Sums | None:
    """Return sums with further rows (n, k) in them; None is the sum of no rows.

    >>> add_rows(None, np.zeros((0, 3))) is None
    True
    """
    if not len(rows):
        return sums
    if sums is None:
        shift = rows.mean(axis=0)
        sums = Sums(0, shift, np.zeros_like(shift), np.zeros((len(shift), len(shift))))
    centred = rows - sums.shift
    return Sums(
        sums.count + len(rows),
        sums.shift,
        sums.total + centred.sum(axis=0),
        sums.cross + centred.T @ centred,
    )


def moments_of(sums: Sums | None) -> Moments:
    """Return what :func:`moments` does, of rows that were added one batch after another.

    Raises:
        BadInput: If there are fewer than two rows.
    """
    if sums is None or sums.count < 2:
        raise BadInput("two jets or more are needed for a spread")
    count, total = sums.count, sums.total
    covariance = (sums.cross - np.outer(total, total) / count) / (count - 1)
    return count, sums.shift + total / count, covariance


def draw_means(sample: Moments, seed: int, draws: int = 400) -> FloatArray:
    """Draw means (draws, k) that repetitions of the sample would have had."""
    count, mean, covariance = sample
    generator = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(covariance / count)
    root = vectors * np.sqrt(values.clip(min=0))
    return np.asarray(mean + generator.standard_normal((draws, len(mean))) @ root.T)


def percentile_intervals(value: FloatArray, draws: FloatArray, level: float = 0.95) -> Intervals:
    """Return values (...,) with the percentile intervals of their draws (draws, ...).

    A row of values, (k,), also gets the correlation of its draws.
    """
    centre = np.asarray(value, dtype=np.float64)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    # Draws of what is zero or at its largest lie to one side of it.
    correlation = None
    if centre.ndim == 1:
        moved = draws - draws.mean(axis=0)
        correlation = correlation_from(moved.T @ moved)
    return Intervals(centre, np.minimum(low, centre), np.maximum(high, centre), level, correlation)
