"""Bootstrap intervals, for statistics that have none in closed form.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3
(percentile intervals).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.errors import BadInput
from repro.metrics.intervals import Interval, check_level
from repro.metrics.roc import check_labels

__all__ = ["Intervals", "bootstrap", "bootstrap_mean"]

# Memory for the resampling weights; the result does not depend on it beyond rounding.
_WEIGHT_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Intervals:
    """Values with their intervals; arrays of shape (k,), ``self[i]`` is one Interval.

    Attributes:
        value: The estimates.
        low: Lower ends.
        high: Upper ends.
        level: Confidence level.
        correlation: (k, k), of the errors; None if it is not known.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float
    correlation: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        entries: Sequence[Interval],
        level: float,
        correlation: NDArray[np.float64] | None = None,
    ) -> "Intervals":
        """Return some intervals as one array of them."""
        value, low, high = np.array([(e.value, e.low, e.high) for e in entries]).reshape(-1, 3).T
        return cls(value, low, high, level, correlation)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> "Intervals":
        """Return some of the values, with what is known of them."""
        chosen = np.asarray(rows)
        known = self.correlation
        return Intervals(
            self.value[chosen],
            self.low[chosen],
            self.high[chosen],
            self.level,
            None if known is None else known[np.ix_(chosen, chosen)],
        )

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: int) -> Interval:
        value, low, high = self.value[index], self.low[index], self.high[index]
        return Interval(float(value), float(low), float(high), self.level)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], ArrayLike],
    jets: int,
    generator: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    labels: ArrayLike | None = None,
) -> Intervals:
    """Percentile bootstrap of any statistic of the jets.

    Args:
        statistic: Function of jet indices, shape (jets,), that returns a number or an array
            of shape (k,).
        jets: Number of jets.
        generator: Source of random numbers; the same seed gives the same interval.
        resamples: Number of resamples.
        level: Confidence level.
        labels: If given, shape (jets,): each class is resampled by itself, so that the
            class sizes stay and no class gets lost.

    Returns:
        The statistic of the jets as they are, with intervals; of shape (1,) for a number.

    Raises:
        BadInput: If there are no jets, too few resamples for the level, or NaN results.
    """
    _check_resamples(jets, resamples, level)
    everything = np.arange(jets)
    groups = [everything]
    if labels is not None:
        is_signal = check_labels(labels)
        if len(is_signal) != jets:
            raise BadInput(f"there are {jets} jets but {len(is_signal)} labels")
        groups = [everything[is_signal], everything[~is_signal]]
    value = np.atleast_1d(np.asarray(statistic(everything), dtype=np.float64))
    draws = np.empty((resamples, *value.shape))
    for draw in draws:
        chosen = [group[generator.integers(0, len(group), len(group))] for group in groups]
        draw[...] = statistic(np.concatenate(chosen))
    return _percentiles(value, draws, level)


def bootstrap_mean(
    values: ArrayLike,
    generator: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> Intervals:
    """Percentile bootstrap of the mean over jets of each column.

    The resamples are multiplicities of the jets, so that all columns share them and the
    means are one matrix product; memory stays bounded however many the resamples.

    Args:
        values: One row of numbers for each jet, shape (jets, k) or (jets,).
        generator: Source of random numbers; the same seed gives the same interval.
        resamples: Number of resamples.
        level: Confidence level.

    Returns:
        The means with intervals, shape (k,), or (1,) for one-dimensional values.

    Raises:
        BadInput: If the shape is another, a value is not finite, there are no jets, or
            too few resamples for the level.
    """
    matrix = np.asarray(values, dtype=np.float64)
    matrix = matrix[:, np.newaxis] if matrix.ndim == 1 else matrix
    if matrix.ndim != 2:
        raise BadInput(f"values have shape {matrix.shape}: give one row for each jet, (n, k)")
    if not np.isfinite(matrix).all():
        raise BadInput("values hold NaN or infinity: leave out those jets or set them first")
    jets = len(matrix)
    _check_resamples(jets, resamples, level)
    rows = min(resamples, max(1, _WEIGHT_BYTES // (8 * jets)))
    weights = np.empty((rows, jets))
    draws = np.empty((resamples, matrix.shape[1]))
    for start in range(0, resamples, rows):
        part = weights[: min(rows, resamples - start)]
        for row in part:
            row[...] = np.bincount(generator.integers(0, jets, jets), minlength=jets)
        draws[start : start + len(part)] = part @ matrix / jets
    return _percentiles(matrix.mean(axis=0), draws, level)


def _percentiles(value: NDArray[np.float64], draws: NDArray[np.float64], level: float) -> Intervals:
    if np.isnan(draws).any():
        raise BadInput("the bootstrapped statistic is NaN for some resamples: it needs more jets")
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return Intervals(value, low, high, level)


def _check_resamples(jets: int, resamples: int, level: float) -> None:
    # So that each tail holds at least one resample.
    fewest = int(np.ceil(2 / (1 - check_level(level)) - 1e-9))
    if jets < 1:
        raise BadInput("there are no jets to resample")
    if resamples < fewest:
        raise BadInput(f"{resamples} resamples are too few for level {level}: use {fewest} or more")
