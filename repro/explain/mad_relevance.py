"""Differential relevance and MAD relevance (arXiv:2210.04371).

The differential relevance of feature k for jet x is

    d_k(x) = (f(x with feature k at its mean) - f(x)) / f(x),

with f the output before the activation: the one logit, or the logit of the jet's own class.
MAD relevance is the mean absolute differential relevance.  Jets with f near 0 explode
(quirk B11) and are then zeroed as outliers (quirk B4); ``scale="mean"`` divides by the mean
of |f| over the class instead.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.errors import UnknownName, did_you_mean
from repro.explain.masking import masked_logits, replacement_values
from repro.explain.outliers import PUBLISHED_FACTOR, treat_outliers
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import (
    correlation_from,
    correlation_of_means,
    covariance_of,
)
from repro.metrics.means import PanelMeans

__all__ = ["SCALES", "differential_relevance", "explain_by_mad_relevance", "own_logit"]

SCALES = ("jet", "mean")

_JETS_FOR_ERRORS = 5000

_Treatment = Callable[[FloatArray, FloatArray], FloatArray]
"""From changes of logits, and logits, to absolute relevance without outliers."""


@method("mad_relevance", "Mean absolute differential relevance per class")
def explain_by_mad_relevance(
    problem: Problem,
    *,
    replacement: str = "mean",
    scale: str = "jet",
    outliers: str = "zeroed",
    factor: float = PUBLISHED_FACTOR,
    level: float = 0.95,
) -> Explanation:
    r"""Return the MAD relevance of each ranked feature, per class.

    For the logit $f$, and $x_{k\to r}$ the jet $x$ with feature $k$ replaced,

    $$
    \mathrm{MAD}_k = \Bigl\langle \Bigl| \frac{f(x_{k\to r}) - f(x)}{f(x)} \Bigr| \Bigr\rangle .
    $$

    Args:
        problem: The classifier and its jets.
        replacement: ``mean`` as published, ``median`` or ``zero``.
        scale: ``jet`` divides by each jet's logit (B11, as published), ``mean`` by the
            class's mean |logit|.
        outliers: Quirk B4, applied to the signed values: ``zeroed`` as published,
            ``dropped`` or ``kept``.
        factor: Reach of the outlier bounds in interquartile ranges.
        level: Confidence level of the intervals: they hold the spread of the jets and, for
            ``mean``, the error that the mean itself has; outlier bounds are held fixed.
    """
    _ = problem.ranked  # complains of features that take up several columns
    values = replacement_values(problem, replacement)

    def treated(change: FloatArray, base: FloatArray) -> FloatArray:
        relevance = differential_relevance(base, base + change, scale)
        return np.abs(treat_outliers(relevance, outliers, factor))

    panels = _panels(problem, values, treated, level)
    if replacement == "mean":
        panels = _widened(panels, _errors_of_the_means(problem, values, treated), level)
    return Explanation(
        "mad_relevance",
        "1",
        problem.ranked_features,
        panels,
        settings={
            "replacement": replacement,
            "scale": scale,
            "outliers": outliers,
            "outlier_factor": factor,
        },
    )


def differential_relevance(base: FloatArray, masked: FloatArray, scale: str) -> FloatArray:
    """Return the differential relevance of one feature for the jets of one class.

    Args:
        base: (n,) logits.
        masked: (n,) logits with the feature replaced.
        scale: ``jet`` or ``mean``.

    Returns:
        (n,); NaN where a jet's logit is zero.

    Raises:
        UnknownName: If there is no such scale.

    >>> differential_relevance(np.array([2.0, -4.0]), np.array([1.0, -2.0]), "jet")
    array([-0.5, -0.5])
    """
    if scale not in SCALES:
        hint = did_you_mean(scale, SCALES)
        raise UnknownName(f"unknown scale {scale!r}{hint}: choose from {', '.join(SCALES)}")
    change = masked - base
    if scale == "mean":
        return np.asarray(change / np.abs(base).mean())
    return np.divide(change, base, out=np.full_like(base, np.nan), where=base != 0)


def own_logit(logits: FloatArray, labels: NDArray[np.integer]) -> FloatArray:
    """Return the one logit, or the logit of each jet's own class."""
    single = logits.ndim == 1 or logits.shape[1] == 1
    return logits.reshape(-1) if single else logits[np.arange(len(labels)), labels]


def _panels(
    problem: Problem, values: FloatArray, treated: _Treatment, level: float = 0.95
) -> dict[str, Intervals]:
    """Return the mean of each ranked feature's treated relevance, per class."""
    unmasked, masked = masked_logits(problem, values)
    base = own_logit(unmasked, problem.labels)
    means = PanelMeans(level)
    for _, logits in masked:
        change = own_logit(logits, problem.labels) - base
        for label, name in enumerate(problem.classes):
            mine = problem.of_class(label)
            means.add(name, treated(change[mine], base[mine]))
    return means.panels()


def _errors_of_the_means(
    problem: Problem, values: FloatArray, treated: _Treatment
) -> dict[str, FloatArray]:
    """Return the covariance that the errors of the columns' means give the relevance, per class.

    How the relevance follows the replacement needs fewer jets than the relevance itself.
    """
    error = problem.errors_of_means()
    some = problem.first_of_each_class(_JETS_FOR_ERRORS)
    above, below = (_panels(some, values + sign * error, treated) for sign in (1, -1))
    moved = {name: (above[name].value - below[name].value) / 2 for name in problem.classes}
    correlation = _correlation_of_means(some)
    return {name: np.outer(change, change) * correlation for name, change in moved.items()}


def _correlation_of_means(problem: Problem) -> FloatArray:
    """Return the correlation (k, k) of the errors of the means of the ranked columns."""
    inputs = problem.whole[:, problem.ranked].astype(np.float64)
    inputs[~problem.filled_table()(problem.ranked)] = np.nan
    return correlation_of_means(inputs)


def _widened(
    panels: Mapping[str, Intervals], errors: Mapping[str, FloatArray], level: float
) -> dict[str, Intervals]:
    """Add errors of given covariance to intervals, independent of those that they have."""
    z = float(ndtri((1 + level) / 2))
    found = {}
    for name, panel in panels.items():
        covariance = covariance_of(panel) + errors[name]
        margin = z * np.sqrt(np.diag(covariance))
        found[name] = Intervals(
            panel.value,
            panel.value - margin,
            panel.value + margin,
            level,
            correlation_from(covariance),
        )
    return found
