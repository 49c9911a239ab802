"""ΔAUC occlusion: the drop in AUC when one feature is replaced by its mean.

ΔAUC is in percentage points.

Sources:
    arXiv:2210.04371, dAUC notebooks: the replacement is the mean over the whole set, both classes
    and padded zeros included.
    arXiv:2211.12770: the replacement is zero, for all tracks or vertices of a jet; and fidelity,
    one minus the mean change of the score.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from repro.data.arrays import FloatArray
from repro.errors import BadInput, UnknownName, did_you_mean
from repro.explain.conditional import draw_conditionally
from repro.explain.masking import REPLACEMENTS, masked_logits, replacement_values
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import difference_intervals
from repro.metrics.fidelity import fidelity
from repro.metrics.intervals import Interval, auc_interval, jet_order, placements
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets

__all__ = ["discriminant", "drops_from_logits", "explain_by_occlusion", "occlude"]


_REPLACEMENTS: Mapping[str, Callable[[Problem], NDArray[np.floating]]] = {
    **{name: functools.partial(replacement_values, replacement=name) for name in REPLACEMENTS},
    "conditional": draw_conditionally,
}


@method("occlusion", "ΔAUC when a feature is replaced")
def explain_by_occlusion(
    problem: Problem, *, replacement: str = "mean", level: float = 0.95
) -> Explanation:
    """Return 100·(AUC - AUC with the feature replaced) for each ranked feature.

    Intervals are DeLong's for paired differences: the same jets are scored twice.  So are the
    correlations between the drops.

    Args:
        problem: The classifier and its jets.
        replacement: ``mean`` as published for top taggers, ``zero`` as published for the
            Interaction Network, ``median``, or ``conditional``, values that go with the other
            features of the same jet, track or vertex, see :mod:`repro.explain.conditional`.
        level: Confidence level of the intervals.

    Returns:
        Details have the AUC, and the fidelity of the scores with each feature replaced, in
        percent.

    Raises:
        UnknownName: If there is no such replacement.
        BadInput: If the jets are too few for conditional values, or features share columns.
    """
    find = _REPLACEMENTS.get(replacement)
    if find is None:
        hint, known = did_you_mean(replacement, _REPLACEMENTS), ", ".join(_REPLACEMENTS)
        raise UnknownName(f"unknown replacement {replacement!r}{hint}: choose from {known}")
    found = occlude(problem, find(problem), level)
    return dataclasses.replace(found, settings={"replacement": replacement})


def occlude(problem: Problem, values: NDArray[np.floating], level: float = 0.95) -> Explanation:
    """Return 100·(AUC - AUC with a feature replaced) for each ranked feature, by given values.

    Args:
        problem: The classifier and its jets.
        values: (columns,), the replacement of each column, or (n, columns), that of each jet.
        level: Confidence level of the intervals.
    """
    logits, masked = masked_logits(problem, values)
    scores = expit(discriminant(logits))
    alike: list[Interval] = []

    def compared() -> Iterator[FloatArray]:
        for _, changed in masked:
            alike.append(fidelity(scores, expit(discriminant(changed)), level))
            yield changed

    drops, whole = drops_from_logits(logits, compared(), problem.labels, level)
    return Explanation(
        "occlusion",
        "percentage points",
        problem.ranked_features,
        {"all": drops},
        details={
            "auc": whole.value,
            "auc_interval": whole,
            "fidelity": Intervals.of(alike, level),
        },
    )


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
