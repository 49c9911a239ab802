"""Confidence intervals in closed form: DeLong for AUC, Clopper-Pearson for counts.

Sources:
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837, equations 4-7; the form
    in n log n operations follows Sun and Xu, IEEE Signal Process. Lett. 21 (2014) 1389.
    Clopper and Pearson, Biometrika 26 (1934) 404.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainccinv, betaincinv, ndtri

from repro.errors import BadInput
from repro.metrics.roc import (
    Ranking,
    auc,
    background_rejection,
    check_labels,
    check_scores,
    correct_count,
    roc_curve,
)

__all__ = [
    "Interval",
    "JetOrder",
    "Placements",
    "accuracy_interval",
    "auc_difference_interval",
    "auc_interval",
    "clopper_pearson",
    "delong_variance",
    "difference_interval",
    "jet_order",
    "placements",
    "rejection_interval",
]


@dataclass(frozen=True)
class Interval:
    """A value with a two-sided confidence interval.

    Attributes:
        value: The estimate.
        low: Lower end.
        high: Upper end.
        level: Confidence level, such as 0.95.
    """

    value: float
    low: float
    high: float
    level: float


@dataclass(frozen=True, eq=False)
class Placements:
    """How each jet of one class is placed among the jets of the other.

    Attributes:
        signal: For each signal jet the fraction of background jets below it, ties counted
            half; shape (m,), in the order of the jets.  DeLong's V10.
        background: For each background jet the fraction of signal jets above it, ties
            counted half; shape (n,).  DeLong's V01.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """Area under the ROC curve: the mean placement."""
        return float(self.signal.mean())


@dataclass(frozen=True, eq=False)
class JetOrder:
    """The jets of each class in the order of some score, lowest first.

    Scores of the same jets that differ little from it are nearly sorted in this order, and
    sorted faster than from the beginning.

    Attributes:
        is_signal: Whether each jet is signal, shape (n,).
        signal: Positions of the signal jets, shape (m,).
        background: Positions of the background jets, shape (n - m,).
    """

    is_signal: NDArray[np.bool_]
    signal: NDArray[np.int64]
    background: NDArray[np.int64]


def delong_variance(ranking: Ranking) -> float:
    """Variance of the AUC after DeLong, from the counts of :func:`~repro.metrics.rank_jets`.

    Raises:
        BadInput: If a class has fewer than two jets.
    """
    m, n = ranking.signal_total, ranking.background_total
    _check_pairs(m, n)
    area = auc(ranking)
    background_above = np.cumsum(ranking.background) - 0.5 * ranking.background
    signal_above = np.cumsum(ranking.signal) - 0.5 * ranking.signal
    of_signal = (1 - background_above / n - area) ** 2 @ ranking.signal / (m - 1)
    of_background = (signal_above / m - area) ** 2 @ ranking.background / (n - 1)
    return float(of_signal / m + of_background / n)


def auc_interval(ranking: Ranking, level: float = 0.95) -> Interval:
    """AUC with its DeLong interval, symmetric and cut at 0 and 1.

    It is a large-sample interval: at an AUC of exactly 0 or 1 its width is zero, however
    few the jets.  It covers the choice of test jets, not the training of the model.

    Raises:
        BadInput: If a class has fewer than two jets or the level is outside (0, 1).
    """
    area = auc(ranking)
    margin = _normal_quantile(level) * delong_variance(ranking) ** 0.5
    return Interval(area, max(area - margin, 0.0), min(area + margin, 1.0), level)


def jet_order(scores: ArrayLike, labels: ArrayLike) -> JetOrder:
    """Sort the jets of each class by a score.

    Args:
        scores: Shape (n,).
        labels: 1 for signal and 0 for background, shape (n,).

    Raises:
        BadInput: As :func:`repro.metrics.rank_jets`.

    >>> jet_order([0.9, 0.5, 0.6, 0.1], [1, 1, 0, 0]).signal
    array([1, 0])
    """
    is_signal = check_labels(labels)
    values = check_scores(scores, len(is_signal))
    signal, background = np.flatnonzero(is_signal), np.flatnonzero(~is_signal)
    return JetOrder(
        is_signal, signal[np.argsort(values[signal])], background[np.argsort(values[background])]
    )


def placements(scores: ArrayLike, labels: ArrayLike, order: JetOrder | None = None) -> Placements:
    """Place the jets of each class among the other class.

    Args:
        scores: Shape (n,).
        labels: 1 for signal and 0 for background, shape (n,).
        order: Of the same jets by a similar score, which saves time and changes nothing; by
            default it is made of these scores.

    Raises:
        BadInput: As :func:`repro.metrics.rank_jets`; also if the order is of other jets.

    >>> placements([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]).signal
    array([1.  , 0.75])
    """
    is_signal = check_labels(labels)
    values = check_scores(scores, len(is_signal))
    if order is None:
        order = jet_order(values, is_signal)
    elif not np.array_equal(order.is_signal, is_signal):
        raise BadInput("the order is of jets with other labels: make it of these jets")
    signal, background = values[order.signal], values[order.background]
    # A stable sort looks for what is sorted already.
    signals, backgrounds = np.sort(signal, kind="stable"), np.sort(background, kind="stable")
    placed = np.empty(len(values))
    placed[order.signal] = _fraction_below(signal, backgrounds)
    placed[order.background] = 1 - _fraction_below(background, signals)
    return Placements(placed[is_signal], placed[~is_signal])


def difference_interval(first: Placements, second: Placements, level: float = 0.95) -> Interval:
    """AUC of the first minus AUC of the second score of the same jets, after DeLong.

    The jets being the same, most of the sampling error cancels; this is what a ΔAUC needs.

    Raises:
        BadInput: If the numbers of jets differ, a class has fewer than two jets, or the
            level is outside (0, 1).
    """
    if first.signal.shape != second.signal.shape or first.background.shape != (
        second.background.shape
    ):
        raise BadInput("the two scores are of different jets: a paired difference needs the same")
    m, n = len(first.signal), len(first.background)
    _check_pairs(m, n)
    signal = first.signal - second.signal
    background = first.background - second.background
    variance = float(signal.var(ddof=1) / m + background.var(ddof=1) / n)
    margin = _normal_quantile(level) * variance**0.5
    value = first.auc - second.auc
    return Interval(value, value - margin, value + margin, level)


def auc_difference_interval(
    first_scores: ArrayLike, second_scores: ArrayLike, labels: ArrayLike, level: float = 0.95
) -> Interval:
    """AUC of the first minus AUC of the second score of the same jets, after DeLong.

    For many scores against one baseline, compute :func:`jet_order` and :func:`placements` of the
    baseline once and use :func:`difference_interval`.

    Raises:
        BadInput: As :func:`placements` and :func:`difference_interval`.
    """
    first, second = placements(first_scores, labels), placements(second_scores, labels)
    return difference_interval(first, second, level)


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Clopper-Pearson interval for a probability: covers at least at its level, always.

    Raises:
        BadInput: If the counts are impossible or the level is outside (0, 1).

    >>> clopper_pearson(0, 10)
    Interval(value=0.0, low=0.0, high=0.308, level=0.95)
    """
    if not 0 <= successes <= trials or trials == 0:
        raise BadInput(f"{successes} successes in {trials} trials: counts must be 0 <= k <= n > 0")
    low, high = _binomial_low(successes, trials, level), _binomial_high(successes, trials, level)
    return Interval(successes / trials, low, high, level)


def accuracy_interval(
    ranking: Ranking, threshold: float = 0.5, level: float = 0.95, *, inclusive: bool = True
) -> Interval:
    """Accuracy with its Clopper-Pearson interval; see :func:`repro.metrics.accuracy`.

    Raises:
        BadInput: If the threshold is NaN or the level is outside (0, 1).
    """
    correct = correct_count(ranking, threshold, inclusive=inclusive)
    return clopper_pearson(correct, ranking.signal_total + ranking.background_total, level)


def rejection_interval(ranking: Ranking, efficiency: float, level: float = 0.95) -> Interval:
    """Background rejection with the Clopper-Pearson interval of its background count.

    The value is :func:`repro.metrics.background_rejection`.  Where the interpolation ends
    between two counts of passing background jets, each end of the interval takes the
    count that makes it wider.  The threshold is taken as fixed: the error of the threshold
    itself, from the finite number of signal jets, is ignored (bootstrap both classes to
    include it).

    Raises:
        BadInput: If the efficiency is outside (0, 1] or the level outside (0, 1).
    """
    value = background_rejection(roc_curve(ranking), efficiency)
    n = ranking.background_total
    passing = n / value
    # A count that interpolation hit but for rounding is that count.
    rounded = round(passing)
    exact = abs(passing - rounded) < 1e-6
    fewest = rounded if exact else int(np.floor(passing))
    most = rounded if exact else int(np.ceil(passing))
    low_rate, high_rate = _binomial_low(fewest, n, level), _binomial_high(most, n, level)
    return Interval(value, 1 / high_rate, 1 / low_rate if low_rate > 0 else float("inf"), level)


def check_level(level: float) -> float:
    """Return the level.

    Raises:
        BadInput: If it is outside (0, 1).
    """
    if not 0 < level < 1:
        raise BadInput(f"confidence level {level} is outside (0, 1): 0.95 is usual")
    return level


def _fraction_below(
    values: NDArray[np.generic], others: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Fraction of the sorted others below each value, ties counted half."""
    below = np.searchsorted(others, values, "left")
    tied = np.flatnonzero(others[np.minimum(below, len(others) - 1)] == values)
    twice = 2 * below
    twice[tied] = below[tied] + np.searchsorted(others, values[tied], "right")
    return np.asarray(twice / (2 * len(others)))


def _binomial_low(successes: int, trials: int, level: float) -> float:
    tail = (1 - check_level(level)) / 2
    return float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0


def _binomial_high(successes: int, trials: int, level: float) -> float:
    tail = (1 - check_level(level)) / 2
    failures = trials - successes
    return float(betainccinv(successes + 1, failures, tail)) if failures else 1.0


def _normal_quantile(level: float) -> float:
    return float(ndtri(0.5 + check_level(level) / 2))


def _check_pairs(signal: int, background: int) -> None:
    if min(signal, background) < 2:
        raise BadInput("a DeLong interval needs at least two jets of each class")
