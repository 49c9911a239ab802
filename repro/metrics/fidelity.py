"""Fidelity: how alike the scores of two networks are, or of one with and without a mask.

Source: arXiv:2211.12770, ``1 - mean |s_1 - s_2|`` over jets, in percent.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from repro.errors import BadInput
from repro.metrics.intervals import Interval
from repro.metrics.means import mean_intervals

__all__ = ["fidelity"]


def fidelity(
    scores: NDArray[np.floating], others: NDArray[np.floating], level: float = 0.95
) -> Interval:
    """Return the fidelity of some scores to others of the same jets, in percent.

    Args:
        scores: (n,), probabilities of class 1.
        others: (n,), likewise.  Differences are taken in double precision.
        level: Confidence level of the interval, the jets being a sample.

    Raises:
        BadInput: If there are no jets, or not as many of both.

    >>> fidelity(np.array([0.2, 0.4]), np.array([0.1, 0.5])).value
    90.0
    """
    if scores.shape != others.shape or scores.ndim != 1:
        raise BadInput(f"scores of shapes {scores.shape} and {others.shape} cannot be compared")
    agreement = 100 * (1 - np.abs(others.astype(np.float64) - scores))
    found = mean_intervals(agreement[:, None], level)[0]
    return dataclasses.replace(found, high=min(found.high, 100.0))
