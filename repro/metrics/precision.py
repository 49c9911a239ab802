"""Precision against recall: the curve, the area under it, and an interval of that area.

Precision is the share of signal among the jets that pass, so curve and area depend on the mix of
the classes; recall is the signal efficiency.

The error of the area is the sum of what single jets contribute to it, as DeLong's is for the AUC.
A signal jet contributes the precision at its own score, and through what it does to the precision
at all lower ones; a background jet through the latter alone.  The numbers of jets of both classes
are taken as fixed.

Sources:
    arXiv:2211.12770, notebook of the baseline (scikit-learn's ``precision_recall_curve`` and
    ``auc``: trapezoids, and precision 1 at recall 0).
    Hampel, J. Am. Stat. Assoc. 69 (1974) 383 (influence).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.errors import BadInput
from repro.metrics.intervals import Interval, check_level
from repro.metrics.roc import Ranking

__all__ = ["PrecisionRecall", "pr_auc", "pr_auc_interval", "precision_recall"]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A curve of precision against recall, one point for each distinct score.

    Attributes:
        recall: Signal efficiency, (p,), ascending from 0.
        precision: Share of signal among what passes, (p,); 1 at the first point.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


def precision_recall(ranking: Ranking) -> PrecisionRecall:
    """Return the curve.

    >>> from repro.metrics.roc import rank_jets
    >>> precision_recall(rank_jets([0.9, 0.5, 0.1], [1, 0, 1])).precision.round(2).tolist()
    [1.0, 1.0, 0.5, 0.67]
    """
    signal, background = np.cumsum(ranking.signal), np.cumsum(ranking.background)
    return PrecisionRecall(
        np.concatenate([[0.0], signal / signal[-1]]),
        np.concatenate([[1.0], signal / (signal + background)]),
    )


def pr_auc(ranking: Ranking) -> float:
    """Return the area under the curve by trapezoids.

    >>> from repro.metrics.roc import rank_jets
    >>> pr_auc(rank_jets([0.9, 0.8, 0.1], [1, 1, 0]))
    1.0
    """
    curve = precision_recall(ranking)
    return float(np.trapezoid(curve.precision, curve.recall))


def pr_auc_interval(ranking: Ranking, level: float = 0.95) -> Interval:
    """Return the area with its large-sample interval, cut at 0 and 1.

    Raises:
        BadInput: If a class has fewer than two jets or the level is outside (0, 1).
    """
    m, n = ranking.signal_total, ranking.background_total
    if min(m, n) < 2:
        raise BadInput("an interval of an area needs at least two jets of each class")
    passing, accepted = np.cumsum(ranking.signal), np.cumsum(ranking.background)
    together = passing + accepted
    precision = passing / together
    weight = ranking.signal / m
    # What one more jet of a class above a score changes there, per efficiency of that class.
    by_signal = weight * m * accepted / together**2
    by_background = -weight * n * passing / together**2
    # A jet is above its own score and all lower ones; the means of these are taken off.
    of_signal = precision + _from_here_on(by_signal)
    of_background = _from_here_on(by_background)
    variance = _variance(of_signal, ranking.signal) / m
    variance += _variance(of_background, ranking.background) / n
    area = pr_auc(ranking)
    margin = float(ndtri(0.5 + check_level(level) / 2)) * variance**0.5
    return Interval(area, max(area - margin, 0.0), min(area + margin, 1.0), level)


def _from_here_on(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of values from each one to the last, which has the lowest score."""
    return np.asarray(np.cumsum(values[::-1])[::-1])


def _variance(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return the variance (ddof 1) of values that occur so many times."""
    total = int(counts.sum())
    mean = values @ counts / total
    return float((values - mean) ** 2 @ counts / (total - 1))
