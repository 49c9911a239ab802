"""F20: distributions of the six latent nodes of PFN that ΔAUC ranks first, QCD and top."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.rows import iter_columns
from repro.explain.occlusion import explain_by_occlusion
from repro.figures.context import Context
from repro.figures.distributions import draw_histograms, histogram_of, peak_of
from repro.figures.drawing import footer, new_figure
from repro.figures.labels import symbol
from repro.figures.latent import explained_sample, latent_space
from repro.results.document import Result

__all__ = ["compute", "render"]

_NODES = 6
_BINS = 100


def compute(context: Context) -> Result:
    """Histogram six nodes from 0 to the larger of the classes' 99th percentiles, 100 bins.

    As published on 103,424 jets (B2).
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    space = latent_space(context, sample, tagger)
    order = explain_by_occlusion(space.problem(context)).order("all")
    # All kept nodes have a peak to be compared: which six come first is a matter of the jets.
    columns = iter_columns(space.values, [space.names.index(name) for name in order])
    histograms = {
        name: _histograms(column, sample.labels)
        for name, column in zip(order, columns, strict=True)
    }
    peaks = {
        panel: {
            name: peak_of(histogram[panel], context.settings.seed)
            for name, histogram in histograms.items()
        }
        for panel in ("qcd", "top")
    }
    shown = {name: histograms[name] for name in order[:_NODES]}
    values = {"histograms": shown, "peak": peaks}
    return context.result("toptag/fig20", sample, [tagger], values)


def render(result: Result) -> Figure:
    """Draw six panels, top in blue over QCD in red."""
    figure = new_figure(10.5, 6.2)
    panels = figure.subplots(2, 3).flat
    for axes, (name, classes) in zip(panels, result.values["histograms"].items(), strict=False):
        draw_histograms(axes, classes, f"activation of node {symbol(name)}")
    figure.axes[2].legend(loc="upper right")
    footer(figure, result)
    return figure


def _histograms(
    column: NDArray[np.floating], labels: NDArray[np.int64]
) -> dict[str, dict[str, object]]:
    classes = {panel: column[labels == label] for label, panel in enumerate(("qcd", "top"))}
    end = max(float(np.quantile(values, 0.99)) for values in classes.values())
    edges = np.linspace(0, end or 1.0, _BINS + 1)
    return {panel: histogram_of(values, edges) for panel, values in classes.items()}
