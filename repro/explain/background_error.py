"""What it does to mean |SHAP value|s that each jet meets but a part of the background.

Each jet has its own background: m jets, drawn from the N of the whole.  So what the draw does is
independent from jet to jet, as a shared background's error is not, and a mean over jets averages
it.  Two halves of a jet's background tell how large it is, without another evaluation of the
network.  With a = |SHAP value|, and a₁, a₂ those of the halves, all for the same coalitions:

* The draw spreads a by (1 - m/N) (a₁ - a₂)²/4: halves of a draw without replacement.
* It shifts a, for neither |x| nor the logit is linear, by (1 - m/N) ((a₁ + a₂)/2 - a): the shift
  goes as 1/m - 1/N, so from m/2 to m it changes by as much as from m to infinity.
* Of a few jets the regression keeps nearly as many features as it has coalitions to tell them
  apart, and finds values ten times as large: with one background, and not with another.  Halves of
  some jets need not show that, so intervals leave room for the largest value to come or go.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.metrics.bootstrap import Intervals, bootstrap_mean
from repro.metrics.correlated import correlation_of_means

__all__ = ["Halves", "draw_background", "estimate_of_whole", "over_jets", "pick_halved", "reach"]

_LEADING = 10


@dataclass(frozen=True, eq=False)
class Halves:
    """SHAP values of some jets against either half of their background.

    Attributes:
        rows: (h,), which jets these are.
        values: (h, 2, features).
        share: Of the whole background, that a jet meets: m/N.
    """

    rows: NDArray[np.intp]
    values: FloatArray
    share: float

    def among(self, jets: NDArray[np.bool_], columns: list[int]) -> "Halves":
        """Return those of some of the jets, which are counted anew, and of some features."""
        mine = jets[self.rows]
        rows = np.cumsum(jets)[self.rows[mine]] - 1
        return Halves(rows, self.values[mine][:, :, columns], self.share)


def draw_background(pool: int, size: int, seed: int, jet: int) -> NDArray[np.intp]:
    """Return which jets of the whole background one jet meets, in random order.

    Args:
        pool: Jets of the whole.
        size: Jets that are drawn; with all of them, they keep their order.
        seed: Seed of the problem.
        jet: Position of the jet: each has its own draw.

    >>> draw_background(3, 5, 0, 0)
    array([0, 1, 2])
    """
    if size >= pool:
        return np.arange(pool)
    return np.random.default_rng([seed, jet]).permutation(pool)[:size]


def pick_halved(labels: NDArray[np.integer], most: int) -> NDArray[np.intp]:
    """Return evenly spaced jets of each class, so many at most, in their order.

    >>> pick_halved(np.array([0, 0, 0, 1, 1, 1]), 2)
    array([0, 2, 3, 5])
    """
    picked = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        picked.append(mine[np.linspace(0, len(mine) - 1, min(most, len(mine))).astype(int)])
    return np.sort(np.concatenate(picked))


def over_jets(
    values: FloatArray, halves: Halves | None, generator: np.random.Generator, level: float
) -> Intervals:
    """Return mean |SHAP value|s with the interval of other jets and of the whole background.

    Jets are resampled together with their backgrounds.  The interval holds the bootstrap interval
    of the mean, and that of the mean with its shift taken off.

    Args:
        values: (n, features), SHAP values.
        halves: Of some of these jets; None if each meets the whole background.
        generator: Source of random numbers.
        level: Confidence level.
    """
    sizes = np.abs(values)
    shifted = sizes.copy()
    if halves is not None and len(halves.rows):
        # So that the mean over all jets loses the mean shift of those that have halves.
        factor = len(values) / len(halves.rows)
        np.subtract.at(shifted, halves.rows, factor * _shifts(sizes, halves))
    found = bootstrap_mean(np.hstack([sizes, shifted]), generator, level=level)
    if len(values) < 2:
        return _without_interval(sizes, level)
    low, high = (ends.reshape(2, -1) for ends in (found.low, found.high))
    correlation = correlation_of_means(sizes)
    return Intervals(sizes.mean(axis=0), low.min(axis=0), high.max(axis=0), level, correlation)


def estimate_of_whole(values: FloatArray, halves: Halves | None, level: float) -> Intervals:
    """Return mean |SHAP value|s with the interval that the whole background gives on these jets.

    The jets, and the coalitions that each has, are the same: the interval is that of the draw
    of the background alone.  It reaches from the mean to the mean without its shift, and on either
    side as far as the errors of both, and one jet with the largest value, can move it.

    Args:
        values: (n, features), SHAP values.
        halves: Of some of these jets; None if each meets the whole background.
        level: Confidence level.
    """
    sizes = np.abs(values)
    mean = sizes.mean(axis=0)
    if halves is None:
        return Intervals(mean, mean, mean, level)
    if len(halves.rows) < 2:
        return _without_interval(sizes, level)
    shifts = _shifts(sizes, halves)
    first, second = np.abs(halves.values[:, 0]), np.abs(halves.values[:, 1])
    draw = (1 - halves.share) * ((first - second) ** 2).mean(axis=0) / 4 / len(values)
    shift = shifts.var(axis=0, ddof=1) / len(shifts)
    largest = np.maximum(sizes.max(axis=0), np.abs(halves.values).max(axis=(0, 1)))
    margin = float(ndtri((1 + level) / 2)) * np.sqrt(draw + shift) + largest / len(values)
    centre = mean - shifts.mean(axis=0)
    return Intervals(
        mean, np.minimum(mean, centre) - margin, np.maximum(mean, centre) + margin, level
    )


def reach(estimates: Intervals) -> FloatArray:
    """Return how far each of the ten longest bars may move, relative to its length."""
    leading = np.argsort(-estimates.value, kind="stable")[:_LEADING]
    length = estimates.value[leading]
    ends = np.array([estimates.low[leading], estimates.high[leading]])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(ends - length).max(axis=0) / length)


def _shifts(sizes: FloatArray, halves: Halves) -> FloatArray:
    """Return for each jet that has halves by how much more its draw gives than the whole."""
    of_halves = np.abs(halves.values).mean(axis=1)
    return np.asarray((1 - halves.share) * (of_halves - sizes[halves.rows]))


def _without_interval(sizes: FloatArray, level: float) -> Intervals:
    unknown = np.full(sizes.shape[1], np.nan)
    return Intervals(sizes.mean(axis=0), unknown, unknown, level)
