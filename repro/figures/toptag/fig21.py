"""F21: correlations of the thirty latent nodes of PFN that ΔAUC ranks first, QCD and top."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.rows import iter_columns
from repro.explain.occlusion import explain_by_occlusion
from repro.figures.context import Context
from repro.figures.heatmaps import correlation_values, draw_correlations
from repro.figures.latent import explained_sample, latent_space
from repro.metrics.intervals import Interval
from repro.results.document import Result

__all__ = ["compute", "render"]

_NODES = 30
_DRAWS = 200
_NAMED = frozenset(("z151", "z236", "z96", "z135", "z110", "z218", "z113", "z143", "z63"))


def compute(context: Context) -> Result:
    """Correlate the leading nodes per class, and average |r| off the diagonal.

    As published on 103,424 jets (B2).
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    space = latent_space(context, sample, tagger)
    order = explain_by_occlusion(space.problem(context)).order("all")
    leading = order[:_NODES]
    # Which nodes come first is a matter of the jets: those that the paper names are there, too.
    names = (*leading, *(name for name in order[_NODES:] if name in _NAMED))
    columns = [space.names.index(name) for name in names]
    nodes = np.column_stack(list(iter_columns(space.values, columns)))
    classes = {
        panel: nodes[sample.labels == label].astype(np.float64)
        for label, panel in enumerate(("qcd", "top"))
    }
    first = {panel: values[:, : len(leading)] for panel, values in classes.items()}
    means = {panel: _mean_correlation(values) for panel, values in first.items()}
    values = {
        "nodes": list(leading),
        "correlation": {panel: correlation_values(names, part) for panel, part in classes.items()},
        "mean_abs_correlation": {
            **means,
            "qcd_minus_top": _difference(first, means, context.settings.seed),
        },
    }
    return context.result("toptag/fig21", sample, [tagger], values)


def render(result: Result) -> Figure:
    """Draw one heat map per class, diverging colours, one decimal in each cell."""
    nodes = result.values["nodes"]
    matrices = {
        panel: {row: {column: rows[row][column] for column in nodes} for row in nodes}
        for panel, rows in result.values["correlation"].items()
    }
    return draw_correlations(result, matrices)


def _mean_correlation(values: NDArray[np.float64]) -> float:
    """Return the mean |r| of all pairs of columns; columns without spread are left out."""
    varying = values[:, values.std(axis=0) > 0]
    found = np.abs(np.corrcoef(varying.T))
    return float(found[np.triu_indices(len(found), 1)].mean())


def _difference(
    classes: dict[str, NDArray[np.float64]], means: dict[str, float], seed: int
) -> Interval:
    """Return the difference of the classes with its bootstrap interval over jets."""
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(_DRAWS):
        parts = [
            _mean_correlation(values[generator.integers(len(values), size=len(values))])
            for values in classes.values()
        ]
        drawn.append(parts[0] - parts[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = means["qcd"] - means["top"]
    return Interval(value, min(float(low), value), max(float(high), value), 0.95)
