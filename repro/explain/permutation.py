"""Permutation importance: the drop in AUC when a feature is shuffled among the jets.

Source: Breiman, Machine Learning 45 (2001) 5, section 10.  Occlusion by the mean asks a network
about jets that do not exist; shuffled, each feature keeps its distribution and loses its company.
"""

import numpy as np
from numpy.typing import NDArray

from repro.explain.occlusion import auc_drops
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method

__all__ = ["explain_by_permutation"]


@method("permutation", "ΔAUC when a feature is shuffled among the jets")
def explain_by_permutation(problem: Problem, *, level: float = 0.95) -> Explanation:
    """Return 100·(AUC - AUC with the feature shuffled) for each ranked feature.

    Each feature is shuffled once, over both classes together; padding is not shuffled.  Intervals
    are DeLong's for paired differences, the shuffling held fixed.

    Args:
        problem: The classifier and its jets; its seed is that of the shuffling.
        level: Confidence level of the intervals.
    """
    drops, whole = auc_drops(problem, _shuffled(problem), level)
    return Explanation(
        "permutation",
        "percentage points",
        problem.ranked_features,
        {"all": drops},
        details={"auc": whole.value},
        settings={"seed": problem.seed},
    )


def _shuffled(problem: Problem) -> NDArray[np.floating]:
    """Return the inputs with each ranked column shuffled by itself, filled entries only.

    In the precision that they have: those of PFN for the paper's jets fill a gigabyte.
    """
    generator = np.random.default_rng(problem.seed)
    shuffled = problem.inputs.copy()
    for column in problem.ranked:
        rows = np.flatnonzero(problem.filled(column))
        shuffled[rows, column] = problem.inputs[generator.permutation(rows), column]
    return shuffled
