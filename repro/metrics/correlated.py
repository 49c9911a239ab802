"""How the errors of numbers that were measured on the same jets hang together.

A mean over jets, or a difference of AUCs, errs by a sum over jets of what each jet contributes: its
influence.  Two numbers of the same jets err alike as far as their influences are correlated, so
their difference is better known than either of them.  For AUCs the influences are DeLong's
structural components, and the correlations those of DeLong's covariance matrix.

Sources:
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837, equations 4-7.
    Hampel, J. Am. Stat. Assoc. 69 (1974) 383 (influence).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Placements, difference_interval

__all__ = [
    "correlation_from",
    "correlation_of",
    "correlation_of_means",
    "covariance_of",
    "difference_intervals",
    "draw_numbers",
    "errors_of_differences",
    "influence",
    "standard_errors",
]

# The correlation of two errors is good to 1 % with so many jets, and its memory is bounded: 256
# columns of two classes take 80 MB, however many the jets.
_MOST_JETS = 20_000


def influence(*groups: FloatArray) -> FloatArray:
    """Return what single jets contribute to the error of a mean, or of a sum of means.

    Args:
        groups: (n_g,), the values that are averaged, of independent groups of jets; NaN is left
            out.  Of groups of more than 20,000 jets some are taken, evenly spaced.

    Returns:
        (jets taken,); the sum of squares is the variance of the error.

    >>> float((influence(np.array([1.0, 3.0])) ** 2).sum())
    1.0
    """
    parts = []
    for values in groups:
        known = ~np.isnan(values)
        centre = values[known].mean() if known.any() else 0.0
        taken = values[:: max(1, -(-len(values) // _MOST_JETS))]
        count = int((~np.isnan(taken)).sum())
        centred = np.where(np.isnan(taken), 0.0, taken - centre)
        parts.append(centred / np.sqrt(max(known.sum(), 1) * max(count - 1, 1)))
    return np.concatenate(parts)


def correlation_of(influences: Sequence[FloatArray]) -> FloatArray:
    """Return the correlations (k, k) of the errors of k numbers.

    Args:
        influences: Of each number, (jets taken,), as :func:`influence` returns them.
    """
    matrix = np.stack(influences)
    return correlation_from(matrix @ matrix.T)


def correlation_of_means(values: FloatArray) -> FloatArray:
    """Return the correlations (k, k) of the errors of the means of columns (n, k), without NaN."""
    return correlation_of([influence(column) for column in values.T])


def correlation_from(covariance: FloatArray) -> FloatArray:
    """Return the correlations of a covariance matrix; none for what does not vary or is NaN.

    >>> correlation_from(np.array([[4.0, 1.0], [1.0, 1.0]]))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    correlation = np.zeros_like(covariance)
    np.divide(covariance, scale, out=correlation, where=scale > 0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation.clip(-1, 1))


def standard_errors(numbers: Intervals) -> FloatArray:
    """Return half the width of each interval in standard deviations; NaN without an interval."""
    return np.asarray((numbers.high - numbers.low) / (2 * ndtri((1 + numbers.level) / 2)))


def covariance_of(numbers: Intervals) -> FloatArray:
    """Return the covariance (k, k) of the errors, which are independent if nothing else is known.

    NaN for numbers without an interval.
    """
    errors = standard_errors(numbers)
    correlation = np.eye(len(errors)) if numbers.correlation is None else numbers.correlation
    return np.outer(errors, errors) * correlation


def errors_of_differences(numbers: Intervals) -> FloatArray:
    """Return the standard error (k, k) of each difference of two numbers."""
    covariance = covariance_of(numbers)
    variance = np.diag(covariance)
    squares = variance[:, None] + variance[None, :] - 2 * covariance
    return np.asarray(np.sqrt(squares.clip(min=0)))


def draw_numbers(numbers: Intervals, generator: np.random.Generator, draws: int) -> FloatArray:
    """Draw numbers (draws, k) that repeated samples of jets would have given.

    Gaussian, as wide as the intervals and correlated as the errors are; numbers without an
    interval do not move.
    """
    normal = generator.standard_normal((draws, len(numbers)))
    if numbers.correlation is not None:
        values, vectors = np.linalg.eigh(numbers.correlation)
        normal = normal @ (vectors * np.sqrt(values.clip(min=0))).T
    return np.asarray(numbers.value + np.nan_to_num(standard_errors(numbers)) * normal)


def difference_intervals(
    first: Placements, others: Iterable[Placements], level: float = 0.95
) -> Intervals:
    """Return the AUC of a score minus those of others of the same jets, after DeLong.

    Args:
        first: Of the one score.
        others: Of the other scores, which need not be at hand at the same time.
        level: Confidence level.

    Raises:
        BadInput: As :func:`repro.metrics.intervals.difference_interval`.
    """
    found, influences = [], []
    for other in others:
        found.append(difference_interval(first, other, level))
        influences.append(
            influence(first.signal - other.signal, first.background - other.background)
        )
    return Intervals.of(found, level, correlation_of(influences))
