"""Pearson correlations between input features, per class, with intervals."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from repro.data.arrays import FloatArray
from repro.errors import UnknownName
from repro.explain.problem import Explanation, Problem
from repro.explain.registry import method
from repro.metrics.bootstrap import Intervals

__all__ = ["correlations", "explain_by_correlation"]


@method("correlation", "Pearson correlations of the input features per class")
def explain_by_correlation(
    problem: Problem, *, features: tuple[str, ...] | None = None, level: float = 0.95
) -> Explanation:
    """Return the correlation matrix of the ranked features, per class.

    Of two features those jets count in which both are filled, see ``filled_by`` of the problem.

    Args:
        problem: Only its jets are used.
        features: The features to correlate; by default all ranked ones.
        level: Confidence level of the intervals.

    Raises:
        UnknownName: If a feature is not among the inputs.
    """
    chosen = tuple(problem.features[i] for i in problem.ranked) if features is None else features
    unknown = set(chosen) - set(problem.features)
    if unknown:
        raise UnknownName(f"unknown features: {', '.join(sorted(unknown))}")
    columns = [problem.features.index(name) for name in chosen]
    panels = {
        name: _filled_correlations(problem, problem.of_class(label), columns, level)
        for label, name in enumerate(problem.classes)
    }
    return Explanation("correlation", "1", chosen, panels)


def _filled_correlations(
    problem: Problem, mine: NDArray[np.bool_], columns: list[int], level: float
) -> Intervals:
    """Return the correlations of columns over the jets in which both of a pair are filled."""
    if not problem.filled_by:
        return correlations(problem.whole[mine][:, columns], level)
    # Columns that are filled together, such as those of a constituent, have the same jets.
    groups: dict[int | tuple[int, ...], list[int]] = {}
    for position, column in enumerate(columns):
        groups.setdefault(problem.filled_by[column], []).append(position)
    value, low, high = np.full((3, len(columns), len(columns)), np.nan)
    for first, second in itertools.combinations_with_replacement(groups.values(), 2):
        alone = first is second
        chosen = [columns[position] for position in (first if alone else first + second)]
        both = mine & problem.filled(chosen[0]) & problem.filled(chosen[-1])
        found = correlations(problem.whole[both][:, chosen], level)
        size = len(first)
        for whole, part in ((value, found.value), (low, found.low), (high, found.high)):
            block = part if alone else part[:size, size:]
            whole[np.ix_(first, second)] = block
            whole[np.ix_(second, first)] = block.T
    return Intervals(value, low, high, level)


_ROUNDING = 1e-12


def correlations(values: NDArray[np.floating], level: float = 0.95) -> Intervals:
    """Return Pearson correlations of the columns, with intervals.

    The standard error is that of the jets as they are spread, and not that of a Gaussian: with
    the columns standardised, a jet moves r by ab - r (a² + b²) / 2.  The interval is symmetric in
    Fisher's z.

    Source: Steiger and Hakstian, Br. J. Math. Stat. Psychol. 35 (1982) 208.

    Args:
        values: (n, k).
        level: Confidence level.

    Returns:
        (k, k); NaN for a column without spread, and no interval below four jets.
    """
    if not len(values):
        nothing = np.full((values.shape[1], values.shape[1]), np.nan)
        return Intervals(nothing, nothing, nothing, level)
    centred = values - values.mean(axis=0, dtype=np.float64)
    norm = np.sqrt((centred**2).sum(axis=0))
    # Rounding of the mean gives a constant column a norm, too.
    varies = (norm > 0) & (values.max(axis=0) > values.min(axis=0))
    scaled = np.divide(centred, norm, out=np.full_like(centred, np.nan), where=varies)
    value = (scaled.T @ scaled).clip(-1, 1)
    # A perfect correlation is one but for rounding, which would make a wide interval of it.
    value = np.where(1 - np.abs(value) < _ROUNDING, np.sign(value), value)
    if len(values) < 4:
        nothing = np.full_like(value, np.nan)
        return Intervals(value, nothing, nothing, level)
    error = _standard_errors(np.sqrt(len(values)) * scaled, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        z, spread = np.arctanh(value), error / (1 - value**2)
    margin = float(ndtri((1 + level) / 2)) * np.where(error == 0, 0.0, spread)
    return Intervals(value, np.tanh(z - margin), np.tanh(z + margin), level)


def _standard_errors(standard: FloatArray, value: FloatArray) -> FloatArray:
    """Return the standard error of each correlation of standardised columns (n, k)."""
    n = len(standard)
    squares = standard**2
    fourth = (squares**2).mean(axis=0)
    mixed = squares.T @ squares / n
    cubic = (squares * standard).T @ standard / n
    variance = (
        mixed
        - value * (cubic + cubic.T)
        + value**2 / 4 * (fourth[:, None] + fourth[None, :] + 2 * mixed)
    )
    # A perfect correlation has an error of zero but for rounding.
    return np.sqrt(np.where(np.abs(value) == 1, 0.0, variance.clip(min=0)) / n)
