"""F14: distributions of jet mass, jet pT, subjettiness and its ratios, QCD and top."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.distributions import draw_histograms, histogram_of, peak_of
from repro.figures.drawing import footer, new_figure
from repro.figures.jets_of_mbns import jets_of_mbns
from repro.figures.labels import symbol
from repro.results.document import Result

__all__ = ["compute", "render"]

# Number of bins over the range of each class, or start, stop and width of the bins.
_BINS: dict[str, int | tuple[float, float, float]] = {
    "m_J": 50,
    "pT_J": 50,
    "tau_1_1": (0, 1, 0.05),
    "tau_7_1": (0, 0.2, 0.01),
    "tau_2_1": (0, 0.5, 0.025),
    "tau_3_1": (0, 0.5, 0.0125),
    "tau_3_05": (0, 0.6, 0.05),
    "tau_2_2": (0, 0.1, 0.005),
    "tau_5_2": (0, 0.025, 0.002),
    "tau_21": (0, 1.4, 0.05),
    "tau_32": (0, 1.2, 0.05),
}
_PEAKS = ("m_J", "tau_21", "tau_32")
_UNITS = {"m_J": " [GeV]", "pT_J": " [GeV]"}
_CAPTION = (
    r"$\tau_N^{(\beta)}$: N-subjettiness with angular exponent $\beta$; "
    r"$\tau_{21}=\tau_2^{(1)}/\tau_1^{(1)}$, $\tau_{32}=\tau_3^{(1)}/\tau_2^{(1)}$."
)
_BUMP = (
    "As published the azimuth is not wrapped (B3): jets across its seam have subjettinesses far "
    "too large, and ratios near 0.07."
)


def compute(context: Context) -> Result:
    """Histogram eleven quantities of each class, with the authors' bins."""
    table = jets_of_mbns(context)
    histograms = {
        name: {
            panel: histogram_of(table.column(name, label), _edges(bins))
            for label, panel in enumerate(("qcd", "top"))
        }
        for name, bins in _BINS.items()
    }
    peaks = {
        panel: {name: peak_of(histograms[name][panel], context.settings.seed) for name in _PEAKS}
        for panel in ("qcd", "top")
    }
    values: dict[str, Any] = {"histograms": histograms, "peak": peaks}
    return context.result("toptag/fig14", table.sample, [], values, notes=[_BUMP])


def render(result: Result) -> Figure:
    """Draw eleven panels, top in blue over QCD in red."""
    figure = new_figure(13, 8)
    grid = figure.subplots(3, 4)
    for axes, (name, classes) in zip(grid.flat, result.values["histograms"].items(), strict=False):
        draw_histograms(axes, classes, symbol(name) + _UNITS.get(name, ""))
    grid.flat[-1].legend(*grid.flat[0].get_legend_handles_labels(), loc="center", fontsize=11)
    grid.flat[-1].set_axis_off()
    footer(figure, result, _CAPTION)
    return figure


def _edges(bins: int | tuple[float, float, float]) -> int | np.ndarray[Any, np.dtype[np.float64]]:
    return bins if isinstance(bins, int) else np.arange(*bins)
