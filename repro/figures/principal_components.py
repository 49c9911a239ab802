"""Principal components of latent spaces: how many, their distributions, what they follow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from repro.errors import BadInput
from repro.explain.correlation import correlations
from repro.features.samples import Sample
from repro.figures.distributions import histogram_of
from repro.metrics.bootstrap import Intervals
from repro.results.document import named

__all__ = [
    "VARIANCE",
    "check_rows",
    "component_values",
    "correlation_tables",
    "jet_quantities_of",
    "principal_components",
]

VARIANCE = 0.99
"""Share of the variance that the components hold."""

_BINS = 100
_POINTS = 1000
_DRAWS = 50
_ENDS = (0.005, 0.995)
# The authors' names of the columns of their tables.
_NAMES = {
    "E": "energy",
    "m": "m_J",
    "pT": "pT_J",
    "eta": "eta",
    "phi": "phi",
    "ptsum": "pt_sum",
    "nconst": "constituents",
    **{f"tau{n}": f"tau_{n}_1" for n in range(1, 9)},
}
_RATIOS = {"tau21": ("tau2", "tau1"), "tau32": ("tau3", "tau2")}


def principal_components(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], PCA]:
    """Return the components that hold 99 % of the variance of both classes, (n, components).

    Args:
        values: (n, nodes), latent vectors, not scaled.

    Returns:
        The components, and scikit-learn's PCA.
    """
    model = PCA(n_components=VARIANCE, svd_solver="full")
    return model.fit_transform(values.astype(np.float64)), model


def component_values(
    values: NDArray[np.floating],
    labels: NDArray[np.integer],
    pairs: Sequence[tuple[int, int]],
    seed: int,
) -> dict[str, Any]:
    """Return number, variances, histograms and some points of the principal components.

    Args:
        values: (n, nodes), latent vectors.
        labels: (n,).
        pairs: Components whose plane is drawn; pairs beyond the last component are left out.
        seed: Of the points that are drawn, and of the interval.
    """
    found, model = principal_components(values)
    count = found.shape[1]
    shown = [pair for pair in pairs if max(pair) < count]
    return {
        "components": {"value": count, "interval": _interval_of_count(values, count, seed)},
        "variance": model.explained_variance_ratio_.tolist(),
        "histograms": {f"pc{i}": _histograms(found[:, i], labels) for i in range(count)},
        "planes": [list(pair) for pair in shown],
        "points": _points(found, labels, sorted({i for pair in shown for i in pair}), seed),
    }


def check_rows(jets: Sample, sample: Sample) -> None:
    """Make sure that two samples are the same jets.

    Raises:
        BadInput: If they are not.
    """
    if not np.array_equal(jets.rows, sample.rows):
        raise BadInput("some of these jets have inputs and no quantities: give jets that have both")


def jet_quantities_of(sample: Sample) -> dict[str, NDArray[np.float64]]:
    """Return the 17 quantities that components are compared with; NaN where there is none.

    Args:
        sample: Of ``jets``, ``leading_jets`` or ``leading_quantities``, which has no subjettiness.
    """
    nothing = np.full(len(sample.labels), np.nan)
    columns = dict(zip(sample.features, sample.array.T.astype(np.float64), strict=True))
    found = {name: columns.get(column, nothing) for name, column in _NAMES.items()}
    for name, (above, below) in _RATIOS.items():
        known = found[below] != 0
        found[name] = np.divide(found[above], found[below], out=nothing.copy(), where=known)
    return found


def correlation_tables(
    components: NDArray[np.float64],
    quantities: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.integer],
) -> dict[str, Any]:
    """Return the correlation of each component with each quantity, per class.

    Jets without a quantity are left out of its correlations alone.

    Returns:
        ``correlation`` with the sign that the components happen to have, and ``abs_correlation``.
    """
    tables: dict[str, Any] = {"correlation": {}, "abs_correlation": {}}
    for label, panel in enumerate(("qcd", "top")):
        mine = labels == label
        signed: dict[str, dict[str, Any]] = {f"pc{i}": {} for i in range(components.shape[1])}
        absolute: dict[str, dict[str, Any]] = {f"pc{i}": {} for i in range(components.shape[1])}
        for name, values in quantities.items():
            rows = mine & np.isfinite(values)
            numbers = correlations(np.column_stack([values[rows], components[rows]]))
            first = _first_row(numbers)
            pcs = list(signed)
            for pc, entry in named(pcs, first).items():
                signed[pc][name] = entry
            for pc, entry in named(pcs, _absolute(first)).items():
                absolute[pc][name] = entry
        tables["correlation"][panel], tables["abs_correlation"][panel] = signed, absolute
    return tables


def _histograms(column: NDArray[np.float64], labels: NDArray[np.integer]) -> dict[str, Any]:
    classes = {panel: column[labels == label] for label, panel in enumerate(("qcd", "top"))}
    ends = np.array([np.quantile(values, _ENDS) for values in classes.values()])
    edges = np.linspace(ends[:, 0].min(), ends[:, 1].max(), _BINS + 1)
    return {panel: histogram_of(values, edges) for panel, values in classes.items()}


def _points(
    components: NDArray[np.float64],
    labels: NDArray[np.integer],
    columns: Sequence[int],
    seed: int,
) -> dict[str, dict[str, list[float]]]:
    generator = np.random.default_rng(seed)
    found = {}
    for label, panel in enumerate(("qcd", "top")):
        rows = np.flatnonzero(labels == label)
        if len(rows) > _POINTS:
            rows = np.sort(generator.choice(rows, _POINTS, replace=False))
        found[panel] = {f"pc{i}": components[rows, i].round(4).tolist() for i in columns}
    return found


def _interval_of_count(values: NDArray[np.floating], count: int, seed: int) -> list[int]:
    """Return the 95 % bootstrap interval of the number of components."""
    generator = np.random.default_rng(seed)
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    counts = []
    for _ in range(_DRAWS):
        weights = generator.poisson(1.0, len(centred)).astype(np.float64)
        total = weights.sum()
        if (weights > 0).sum() < 2:
            continue
        mean = weights @ centred / total
        covariance = (centred * weights[:, None]).T @ centred / total - np.outer(mean, mean)
        variance = np.trace(covariance)
        if variance > 0:
            shares = np.cumsum(np.linalg.eigvalsh(covariance)[::-1]) / variance
            counts.append(1 + int(np.searchsorted(shares, VARIANCE)))
    low, high = np.quantile(counts or [count], [0.025, 0.975])
    return [min(int(low), count), max(int(np.ceil(high)), count)]


def _first_row(numbers: Intervals) -> Intervals:
    return Intervals(numbers.value[0, 1:], numbers.low[0, 1:], numbers.high[0, 1:], numbers.level)


def _absolute(numbers: Intervals) -> Intervals:
    low, high = np.abs(numbers.low), np.abs(numbers.high)
    crosses = numbers.low * numbers.high < 0
    least = np.where(crosses, 0.0, np.minimum(low, high))
    return Intervals(np.abs(numbers.value), least, np.maximum(low, high), numbers.level)
