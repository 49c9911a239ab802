"""Accuracy where some jets have no label: what the two papers on H→bb̄ count as right.

About one jet in sixteen of record 12102 is neither H→bb̄ nor QCD (dossier, 4.7, quirk 1).  The
notebooks compare decisions with the column of QCD, which is 0 for such jets: they are right where
the network says H→bb̄.  The study of portability leaves them out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import BadInput

__all__ = ["right_decisions"]


def right_decisions(
    scores: NDArray[np.floating],
    labels: NDArray[Any],
    unlabelled: NDArray[np.bool_],
    threshold: float = 0.5,
) -> dict[str, tuple[int, int]]:
    """Return how many decisions are right, and of how many jets, by what is done without a label.

    Args:
        scores: (n,), P(H→bb̄); one at the threshold means QCD, as the first of two equal logits.
        labels: (n,), 1 for H→bb̄, 0 for all others.
        unlabelled: (n,), which of the others are not QCD either.
        threshold: What is compared with the scores.

    Returns:
        ``background``: of all jets, as the notebooks count; ``removed``: of those with a label.

    Raises:
        BadInput: If the shapes differ.

    >>> right_decisions(
    ...     np.array([0.9, 0.2, 0.8, 0.1]), np.array([1, 0, 0, 0]), np.array([0, 0, 1, 1], bool)
    ... )
    {'background': (3, 4), 'removed': (2, 2)}
    """
    if not scores.shape == labels.shape == unlabelled.shape:
        raise BadInput("scores, labels and unlabelled jets differ in shape")
    said = scores > threshold
    qcd = (labels == 0) & ~unlabelled
    right = said != qcd
    return {
        "background": (int(right.sum()), len(right)),
        "removed": (int(right[~unlabelled].sum()), int((~unlabelled).sum())),
    }
