"""ΔAUC occlusion: the drop in AUC when one feature is replaced by its mean.

Source: arXiv:2210.04371, dAUC notebooks.  The replacement is the mean over the whole set,
both classes and padded zeros included; ΔAUC is in percentage points.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.errors import BadInput
from repro.explain.masking import masked_logits, replacement_values
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import difference_intervals
from repro.metrics.intervals import Interval, auc_interval, jet_order, placements
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets

__all__ = ["auc_drops", "discriminant", "drops_from_logits", "explain_by_occlusion"]


@method("occlusion", "ΔAUC when a feature is replaced by its mean")
def explain_by_occlusion(
    problem: Problem, *, replacement: str = "mean", level: float = 0.95
) -> Explanation:
    """Return 100·(AUC - AUC with the feature replaced) for each ranked feature.

    Intervals are DeLong's for paired differences: the same jets are scored twice.  So are the
    correlations between the drops.

    Args:
        problem: The classifier and its jets.
        replacement: ``mean`` as published, ``median`` or ``zero``.
        level: Confidence level of the intervals.
    """
    drops, whole = auc_drops(problem, replacement_values(problem, replacement), level)
    return Explanation(
        "occlusion",
        "percentage points",
        problem.ranked_features,
        {"all": drops},
        details={"auc": whole.value, "auc_interval": whole},
        settings={"replacement": replacement},
    )


def auc_drops(
    problem: Problem, values: NDArray[np.floating], level: float
) -> tuple[Intervals, Interval]:
    """Return 100·(AUC - AUC with a feature replaced) for each ranked feature, and the AUC in %.

    Args:
        problem: The classifier and its jets.
        values: (features,), the replacement of each column, or (n, features), that of each jet.
        level: Confidence level of the intervals.
    """
    logits, masked = masked_logits(problem, values)
    return drops_from_logits(logits, (changed for _, changed in masked), problem.labels, level)


def drops_from_logits(
    logits: FloatArray,
    masked: Iterable[FloatArray],
    labels: NDArray[np.integer],
    level: float,
) -> tuple[Intervals, Interval]:
    """Return 100·(AUC - AUC with a mask) for each mask, and the AUC in %.

    Args:
        logits: (n,) or (n, classes), of the jets as they are.
        masked: The same of the masked jets, for one mask after the other.
        labels: (n,).
        level: Confidence level of the intervals.
    """
    scores = discriminant(logits)
    order = jet_order(scores, labels)
    base = placements(scores, labels, order)
    changed = (placements(discriminant(found), labels, order) for found in masked)
    drops = difference_intervals(base, changed, level)
    whole = auc_interval(rank_jets(scores, labels), level)
    return in_points(drops), in_points(whole)


def discriminant(
    logits: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return a number that grows with the probability of class 1.

    Args:
        logits: (n,) or (n, 1) of one output, or (n, 2): the logit of class 1 minus that of
            class 0.

    Raises:
        BadInput: If there are more classes.
    """
    match logits.shape:
        case (_,) | (_, 1):
            return logits.reshape(-1)
        case (_, 2):
            return logits[:, 1] - logits[:, 0]
        case shape:
            raise BadInput(f"logits have shape {shape}: give (n,) or (n, 2), one or two classes")
