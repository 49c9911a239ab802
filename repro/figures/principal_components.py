"""Principal components of latent spaces: how many, their distributions, what they follow.

Latent vectors are gone through some jets at a time, and need not be in memory: the components are
the eigenvectors of their covariance, of which sums over jets are all that is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.arrays import FloatArray
from repro.data.rows import Table, iter_blocks
from repro.data.spooled import MemoryTable, SpooledTable, make_table
from repro.errors import BadInput
from repro.explain.correlation import correlations
from repro.features.samples import Sample
from repro.figures.distributions import histogram_of
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.metrics.means import moments
from repro.results.document import named

__all__ = [
    "VARIANCE",
    "Components",
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
_FEWEST = 2
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


@dataclass(frozen=True, eq=False)
class Components:
    """The leading principal components of some jets.

    Attributes:
        values: Of each component, (n,).
        variance: (components,), shares of the variance, in falling order.
        mean: (nodes,), of the latent vectors.
    """

    values: MemoryTable | SpooledTable
    variance: FloatArray
    mean: FloatArray

    def __len__(self) -> int:
        """Return the number of components."""
        return len(self.variance)


def principal_components(values: Table, spool: Path | None = None) -> Components:
    """Return the components that hold 99 % of the variance of both classes.

    Of the two signs that a component could have, it has that with which the largest of its
    loadings is positive.

    Args:
        values: (n, nodes), latent vectors, not scaled.
        spool: A folder for components that are too many for memory.

    Raises:
        BadInput: If there are fewer than two jets, all are alike, or some are NaN.
    """
    _, mean, covariance = moments(block.astype(np.float64) for block in iter_blocks(values))
    if not np.isfinite(covariance).all():
        raise BadInput("some of the latent vectors are no numbers: look at the weights")
    spectrum, vectors = np.linalg.eigh(covariance)
    # Rounding makes what has no variance negative.
    spectrum, vectors = spectrum[::-1].clip(min=0), vectors[:, ::-1]
    if not spectrum.sum() > 0:
        raise BadInput("the latent vectors of these jets are all alike: give other jets")
    shares = spectrum / spectrum.sum()
    count = min(1 + int(np.searchsorted(np.cumsum(shares), VARIANCE, "right")), len(shares))
    loadings = vectors[:, :count]
    largest = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[largest, np.arange(count)])
    table = make_table((count, len(values)), np.float64, spool)
    start = 0
    for block in iter_blocks(values):
        table.put(start, ((block - mean) @ loadings).T)
        start += len(block)
    return Components(table, shares[:count], mean)


def component_values(
    values: Table,
    labels: NDArray[np.integer],
    pairs: Sequence[tuple[int, int]],
    seed: int,
    spool: Path | None = None,
) -> dict[str, Any]:
    """Return number, variances, histograms and some points of the principal components.

    Args:
        values: (n, nodes), latent vectors.
        labels: (n,).
        pairs: Components whose plane is drawn; pairs beyond the last component are left out.
        seed: Of the points that are drawn, and of the interval.
        spool: A folder for components that are too many for memory.
    """
    found = principal_components(values, spool)
    count = len(found)
    shown = [pair for pair in pairs if max(pair) < count]
    return {
        "components": {"value": count, "interval": _interval_of_count(values, found, seed)},
        "variance": found.variance.tolist(),
        "histograms": {f"pc{i}": _histograms(found.values[i], labels) for i in range(count)},
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
    components: Components,
    quantities: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.integer],
) -> dict[str, Any]:
    """Return the correlation of each component with each quantity, per class.

    Jets without a quantity are left out of its correlations alone.

    Returns:
        ``correlation`` with the signs that :func:`principal_components` gives, and
        ``abs_correlation``.
    """
    panels = {panel: labels == label for label, panel in enumerate(("qcd", "top"))}
    tables: dict[str, Any] = {
        kind: {panel: {} for panel in panels} for kind in ("correlation", "abs_correlation")
    }
    for number in range(len(components)):
        component = components.values[number]
        for panel, mine in panels.items():
            pairs = [
                _correlation(values, component, mine & np.isfinite(values))
                for values in quantities.values()
            ]
            signed = Intervals.of(pairs, pairs[0].level)
            for kind, numbers in (("correlation", signed), ("abs_correlation", _absolute(signed))):
                tables[kind][panel][f"pc{number}"] = named(list(quantities), numbers)
    return tables


def _correlation(
    first: NDArray[np.floating], second: NDArray[np.floating], rows: NDArray[np.bool_]
) -> Interval:
    """Return the correlation of two quantities of some jets."""
    found = correlations(np.column_stack([first[rows], second[rows]]))
    value, low, high = (float(part[0, 1]) for part in (found.value, found.low, found.high))
    return Interval(value, low, high, found.level)


def _histograms(column: NDArray[np.float64], labels: NDArray[np.integer]) -> dict[str, Any]:
    classes = {panel: column[labels == label] for label, panel in enumerate(("qcd", "top"))}
    ends = np.array([np.quantile(values, _ENDS) for values in classes.values()])
    edges = np.linspace(ends[:, 0].min(), ends[:, 1].max(), _BINS + 1)
    return {panel: histogram_of(values, edges) for panel, values in classes.items()}


def _points(
    components: Components,
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
        found[panel] = {f"pc{i}": components.values[i][rows].round(4).tolist() for i in columns}
    return found


def _interval_of_count(values: Table, found: Components, seed: int) -> list[int]:
    """Return the 95 % bootstrap interval of the number of components."""
    nodes, count = values.shape[1], len(found)
    # A generator for each draw: how many jets are gone through at once changes nothing.
    generators = [np.random.default_rng([seed, draw]) for draw in range(_DRAWS)]
    drawn, totals, sums = np.zeros(_DRAWS), np.zeros(_DRAWS), np.zeros((_DRAWS, nodes))
    crosses = np.zeros((_DRAWS, nodes, nodes))
    for block in iter_blocks(values):
        centred = block - found.mean
        for draw, generator in enumerate(generators):
            weights = generator.poisson(1.0, len(centred)).astype(np.float64)
            drawn[draw] += (weights > 0).sum()
            totals[draw] += weights.sum()
            sums[draw] += weights @ centred
            crosses[draw] += (centred * weights[:, None]).T @ centred
    counts = []
    for jets, total, first, cross in zip(drawn, totals, sums, crosses, strict=True):
        if jets < _FEWEST:
            continue
        covariance = cross / total - np.outer(first, first) / total**2
        variance = np.trace(covariance)
        if variance > 0:
            shares = np.cumsum(np.linalg.eigvalsh(covariance)[::-1]) / variance
            counts.append(1 + int(np.searchsorted(shares, VARIANCE)))
    low, high = np.quantile(counts or [count], [0.025, 0.975])
    return [min(int(low), count), max(int(np.ceil(high)), count)]


def _absolute(numbers: Intervals) -> Intervals:
    low, high = np.abs(numbers.low), np.abs(numbers.high)
    crosses = numbers.low * numbers.high < 0
    least = np.where(crosses, 0.0, np.minimum(low, high))
    return Intervals(np.abs(numbers.value), least, np.maximum(low, high), numbers.level)
