"""Two scores of the same jets: differences and ratios with intervals, and p-values.

Most of the sampling error is common to both scores and cancels, so a gain that is smaller than
either number's own interval can be far from zero.

Sources:
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837 (AUC).
    McNemar, Psychometrika 12 (1947) 153, exact and two-sided (accuracy); interval of the
    difference of paired proportions: Agresti, Categorical Data Analysis (2002), section 10.1.
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3 (rejection).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.metrics.intervals import Interval, auc_difference_interval, check_level
from repro.metrics.roc import check_labels, check_scores

__all__ = ["Comparison", "accuracy_gain", "auc_gain", "rejection_ratio"]


@dataclass(frozen=True)
class Comparison:
    """How much better the first score is than the second one.

    Attributes:
        gain: Difference or ratio, first to second, with its interval.
        p: Two-sided p-value of the hypothesis that there is no gain.
    """

    gain: Interval
    p: float


def auc_gain(
    first: ArrayLike, second: ArrayLike, labels: ArrayLike, level: float = 0.95
) -> Comparison:
    """Return the AUC of the first minus that of the second score, after DeLong.

    Args:
        first: Scores of the jets, (n,).
        second: Other scores of the same jets, (n,).
        labels: 1 for signal and 0 for background, (n,).
        level: Confidence level.

    Raises:
        BadInput: As :func:`repro.metrics.intervals.auc_difference_interval`.

    >>> auc_gain([0.1, 0.4, 0.6, 0.9], [0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])
    Comparison(gain=Interval(value=0.0, low=0.0, high=0.0, level=0.95), p=1.0)
    """
    gain = auc_difference_interval(first, second, labels, level)
    error = (gain.high - gain.low) / (2 * _normal_quantile(level))
    if error == 0:
        return Comparison(gain, float(gain.value == 0))
    return Comparison(gain, float(2 * ndtr(-abs(gain.value) / error)))


def accuracy_gain(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Comparison:
    """Return the accuracy of the first minus that of the second, and McNemar's exact test.

    Args:
        first: Whether each jet is on the right side, (n,).
        second: The same of another decision on the same jets, (n,).
        level: Confidence level.

    Raises:
        BadInput: If the shapes differ or there are no jets.

    >>> accuracy_gain([True, True, True, False], [True, False, True, False]).p
    1.0
    """
    right, other = np.asarray(first, np.bool_), np.asarray(second, np.bool_)
    if right.shape != other.shape or right.ndim != 1 or not len(right):
        raise BadInput(f"decisions of shapes {right.shape} and {other.shape}: give two of (n,)")
    jets = len(right)
    won, lost = int((right & ~other).sum()), int((~right & other).sum())
    value = (won - lost) / jets
    margin = _normal_quantile(level) * np.sqrt((won + lost) / jets - value**2) / np.sqrt(jets)
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Comparison(Interval(value, value - float(margin), value + float(margin), level), p)


def rejection_ratio(
    first: ArrayLike,
    second: ArrayLike,
    labels: ArrayLike,
    efficiency: float,
    generator: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> Comparison:
    """Return the background rejection of the first score divided by that of the second.

    The same jets are drawn again for both scores, each class by itself; thresholds move with
    them.  In a resample where no background jet passes either score, neither is better.

    Args:
        first: Scores of the jets, (n,).
        second: Other scores of the same jets, (n,).
        labels: 1 for signal and 0 for background, (n,).
        efficiency: Signal efficiency, in (0, 1].
        generator: Source of random numbers; the same seed gives the same interval.
        resamples: Number of resamples.
        level: Confidence level.

    Returns:
        The ratio; infinite if no background jet passes the first score, as the upper end can be
        too, and NaN if none passes either.  The p-value is twice the share of resamples on the
        other side of 1.

    Raises:
        BadInput: If shapes differ, a class is empty, or the efficiency or level cannot be.
    """
    check_level(level)
    if not 0 < efficiency <= 1:
        raise BadInput(f"signal efficiency {efficiency} is outside (0, 1]: give a fraction")
    is_signal = check_labels(labels)
    places = [_places(check_scores(s, len(is_signal)), is_signal) for s in (first, second)]
    signal, background = int(is_signal.sum()), int((~is_signal).sum())
    value = _share(places, np.ones(signal), np.ones(background), efficiency)
    draws = np.empty(resamples)
    for i in range(resamples):
        of_signal = _multiplicities(generator, signal)
        draws[i] = _share(places, of_signal, _multiplicities(generator, background), efficiency)
    draws[np.isnan(draws)] = 0.5
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    below, above = int((draws <= 0.5).sum()), int((draws >= 0.5).sum())
    p = min(1.0, 2 * (1 + min(below, above)) / (resamples + 1))
    return Comparison(Interval(_ratio(value), _ratio(low), _ratio(high), level), p)


@dataclass(frozen=True, eq=False)
class _Places:
    """Position of each jet's score among the distinct ones, highest first."""

    signal: NDArray[np.int64]
    background: NDArray[np.int64]
    distinct: int


def _places(scores: NDArray[np.generic], is_signal: NDArray[np.bool_]) -> _Places:
    distinct, positions = np.unique(scores, return_inverse=True)
    positions = len(distinct) - 1 - positions.reshape(-1)
    return _Places(positions[is_signal], positions[~is_signal], len(distinct))


def _share(
    places: list[_Places], signal: FloatArray, background: FloatArray, efficiency: float
) -> float:
    """Return r2 / (r1 + r2) of the two background efficiencies: bounded, unlike their ratio."""
    rates = []
    for place in places:
        passing = np.cumsum(np.bincount(place.signal, signal, place.distinct))
        accepted = np.cumsum(np.bincount(place.background, background, place.distinct))
        known = np.concatenate([[0.0], passing / passing[-1]])
        rates.append(float(np.interp(efficiency, known, np.concatenate([[0.0], accepted]))))
    total = sum(rates)
    return rates[1] / total if total > 0 else float("nan")


def _ratio(share: float) -> float:
    return float("inf") if share == 1 else float(share / (1 - share))


def _multiplicities(generator: np.random.Generator, size: int) -> FloatArray:
    return np.bincount(generator.integers(0, size, size), minlength=size).astype(np.float64)


def _normal_quantile(level: float) -> float:
    return float(ndtri(0.5 + check_level(level) / 2))
