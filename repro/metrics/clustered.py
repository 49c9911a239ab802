"""Numbers of tracks or vertices, of which a jet has several: intervals that know of it.

Tracks of a jet are more alike than those of different jets, so that the jets are what repeated
samples draw anew, each with all of its tracks.

Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval

__all__ = ["clustered_correlations", "ratio_of_sums"]

_RESAMPLES = 400


def clustered_correlations(
    values: FloatArray, jets: NDArray[np.integer], seed: int, level: float = 0.95
) -> Intervals:
    """Return Pearson correlations of columns (k, k), with intervals from draws of whole jets.

    Args:
        values: (m, k), of tracks or vertices.
        jets: (m,), the jet of each, numbered from 0.
        seed: Of the draws.
        level: Confidence level.

    Raises:
        BadInput: If there are fewer than two jets.

    >>> line = np.arange(6.0)
    >>> found = clustered_correlations(np.stack([line, 2 * line], axis=1), np.arange(6) // 2, 0)
    >>> found.value.round(9).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    numbers, members = np.unique(jets, return_inverse=True)
    count, k = len(numbers), values.shape[1]
    if count < 2:
        raise BadInput("correlations of tracks or vertices need two jets with some: take more jets")
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    products = (centred[:, :, None] * centred[:, None, :]).reshape(len(values), k * k)
    rows = np.column_stack([np.ones(len(values)), centred, products])
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, members, rows)
    generator = np.random.default_rng(seed)
    weights = np.stack(
        [
            np.bincount(generator.integers(0, count, count), minlength=count)
            for _ in range(_RESAMPLES)
        ]
    )
    value = _correlations(sums.sum(axis=0), k)
    drawn = np.stack([_correlations(total, k) for total in weights @ sums])
    tail = (1 - level) / 2
    # A column may be constant in a draw, and has no correlation there.
    known = ~np.isnan(value)
    low, high = np.full((2, k, k), np.nan)
    low[known], high[known] = np.nanquantile(drawn[:, known], [tail, 1 - tail], axis=0)
    return Intervals(value, np.minimum(low, value), np.maximum(high, value), level)


def ratio_of_sums(
    parts: NDArray[np.number], wholes: NDArray[np.number], level: float = 0.95
) -> Interval:
    """Return the sum over jets of parts, divided by that of wholes, with its interval.

    Args:
        parts: (n,), such as the tracks of a jet with some property.
        wholes: (n,), such as all of its tracks.
        level: Confidence level.

    Raises:
        BadInput: If there are fewer than two jets, or nothing to divide by.

    >>> ratio_of_sums(np.array([1, 2, 3]), np.array([2, 4, 6]))
    Interval(value=0.5, low=0.5, high=0.5, level=0.95)
    """
    total, count = float(wholes.sum()), len(wholes)
    if count < 2 or total <= 0:
        raise BadInput("a share of tracks or vertices needs two jets, and some of these")
    value = float(parts.sum()) / total
    left = parts - value * wholes
    margin = float(ndtri((1 + level) / 2)) * float(left.std(ddof=1)) * count**0.5 / total
    return Interval(value, value - margin, value + margin, level)


def _correlations(sums: FloatArray, k: int) -> FloatArray:
    """Return the correlations (k, k) from number, sums and sums of products; NaN if constant."""
    mean = sums[1 : k + 1] / sums[0]
    covariance = sums[k + 1 :].reshape(k, k) / sums[0] - np.outer(mean, mean)
    spread = np.sqrt(np.diag(covariance).clip(min=0))
    scale = np.outer(spread, spread)
    found = np.full((k, k), np.nan)
    np.divide(covariance, scale, out=found, where=scale > 0)
    return found.clip(-1, 1)
