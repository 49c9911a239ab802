"""Permutation importance: the drop in AUC when a feature is shuffled among the jets.

Source: Breiman, Machine Learning 45 (2001) 5, section 10.  Occlusion by the mean asks a network
about jets that do not exist; shuffled, each feature keeps its distribution and loses its company.
"""

import numpy as np

from repro.data.arrays import FloatArray
from repro.explain.masking import logits_of, masked_logits
from repro.explain.occlusion import discriminant
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import difference_interval, placements

__all__ = ["explain_by_permutation"]


@method("permutation", "ΔAUC when a feature is shuffled among the jets, percentage points")
def explain_by_permutation(problem: Problem, *, level: float = 0.95) -> Explanation:
    """Return 100·(AUC - AUC with the feature shuffled) for each ranked feature.

    Each feature is shuffled once, over both classes together; padding is not shuffled.  Intervals
    are DeLong's for paired differences, the shuffling held fixed.

    Args:
        problem: The classifier and its jets; its seed is that of the shuffling.
        level: Confidence level of the intervals.
    """
    base = placements(discriminant(logits_of(problem)), problem.labels)
    drops = [
        difference_interval(base, placements(discriminant(logits), problem.labels), level)
        for _, logits in masked_logits(problem, _shuffled(problem))
    ]
    return Explanation(
        "permutation",
        "percentage points",
        problem.ranked_features,
        {
            "all": Intervals(
                100 * np.array([drop.value for drop in drops]),
                100 * np.array([drop.low for drop in drops]),
                100 * np.array([drop.high for drop in drops]),
                level,
            )
        },
        details={"auc": 100 * base.auc},
        settings={"seed": problem.seed},
    )


def _shuffled(problem: Problem) -> FloatArray:
    """Return the inputs with each ranked column shuffled by itself, filled entries only."""
    generator = np.random.default_rng(problem.seed)
    shuffled = problem.inputs.copy()
    for column in problem.ranked:
        rows = np.arange(len(shuffled))
        if problem.filled_by:
            rows = np.flatnonzero(problem.inputs[:, problem.filled_by[column]] != 0)
        shuffled[rows, column] = problem.inputs[generator.permutation(rows), column]
    return np.asarray(shuffled, dtype=np.float64)
