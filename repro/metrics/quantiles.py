"""Quantiles with intervals, and histograms as fractions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval

__all__ = ["binned_quantiles", "fractions", "largest_gap", "quantile_intervals"]


def quantile_intervals(
    values: FloatArray, probabilities: Sequence[float], level: float = 0.95
) -> Intervals:
    """Return quantiles with intervals from order statistics.

    The number of values below a quantile is binomial, whatever the distribution: the interval
    lies between the values whose ranks are that far apart (Gaussian for many values).

    Args:
        values: (n,); NaN is left out.
        probabilities: (k,), in (0, 1).
        level: Confidence level.

    Raises:
        BadInput: If there is no value.

    >>> quantile_intervals(np.arange(101.0), [0.5]).value
    array([50.])
    """
    known = np.sort(values[~np.isnan(values)])
    n = len(known)
    if not n:
        raise BadInput("there are no jets to take quantiles of")
    p = np.asarray(probabilities, dtype=np.float64)
    margin = float(ndtri((1 + level) / 2)) * np.sqrt(p * (1 - p) / n)
    low, high = np.quantile(known, [np.clip(p - margin, 0, 1), np.clip(p + margin, 0, 1)])
    return Intervals(np.quantile(known, p), low, high, level)


def fractions(values: FloatArray, edges: Sequence[float]) -> FloatArray:
    """Return which fraction of the values lies in each bin; NaN counts as a value nowhere.

    >>> fractions(np.array([0.5, 1.5, 9.0, 9.5]), [0, 1, 2])
    array([0.25, 0.25])
    """
    return np.histogram(values[~np.isnan(values)], edges)[0] / max(len(values), 1)


def binned_quantiles(
    parts: Sequence[float] | FloatArray, edges: Sequence[float], probabilities: Sequence[float]
) -> FloatArray:
    """Return quantiles of a histogram whose bins are filled evenly; what is outside is left out.

    >>> binned_quantiles([0.5, 0.5], [0.0, 1.0, 2.0], [0.5])
    array([1.])
    """
    cumulative = np.concatenate([[0.0], np.cumsum(parts)])
    return np.interp(probabilities, cumulative / cumulative[-1], edges)


def largest_gap(counts: NDArray[np.integer], survival: Sequence[float]) -> Interval:
    """Return the largest distance between a sample's survival curve and a given one.

    Args:
        counts: (n,), whole numbers.
        survival: (k,), fraction of another sample with more than 0, 1, 2 ...

    Returns:
        The largest |difference|, with the binomial 95 % interval of the sample where it is.
    """
    given = np.asarray(survival)
    own = (counts[:, None] > np.arange(len(given))).mean(axis=0)
    gap = np.abs(own - given)
    worst = int(gap.argmax())
    margin = 1.959964 * float(np.sqrt(own[worst] * (1 - own[worst]) / len(counts)))
    return Interval(
        float(gap[worst]), max(0.0, float(gap[worst]) - margin), float(gap[worst]) + margin, 0.95
    )
