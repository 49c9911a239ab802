"""Permutation importance: the drop in AUC when a feature is shuffled among the jets.

Source: Breiman, Machine Learning 45 (2001) 5, section 10.  Occlusion by the mean asks a network
about jets that do not exist; shuffled, each feature keeps its distribution and loses its company.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from repro.explain.masking import check_no_shared
from repro.explain.occlusion import occlude
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
    problem = problem.in_memory()
    found = occlude(problem, _shuffled(problem), level)
    return dataclasses.replace(found, method="permutation", settings={"seed": problem.seed})


def _shuffled(problem: Problem) -> NDArray[np.floating]:
    """Return the inputs with each ranked feature shuffled by itself, filled entries only.

    A feature of several columns is shuffled over all of them.  In the precision that the inputs
    have: those of PFN for the paper's jets fill a gigabyte.
    """
    generator = np.random.default_rng(problem.seed)
    check_no_shared(problem)
    whole = problem.whole
    shuffled = whole.copy()
    filled = problem.filled_table()
    for columns in problem.members.values():
        rows, places = np.nonzero(filled(columns))
        taken = np.asarray(columns)[places]
        order = generator.permutation(len(rows))
        shuffled[rows, taken] = whole[rows[order], taken[order]]
    return shuffled
