"""F3: distributions of six TopoDNN features, training set, QCD and top."""

from matplotlib.figure import Figure

from repro.features.topodnn import TOPODNN
from repro.figures.context import Context
from repro.figures.distributions import draw_histograms, histogram_of
from repro.figures.drawing import footer, new_figure
from repro.figures.labels import symbol
from repro.results.document import Result

__all__ = ["compute", "render"]

_FEATURES = ("phi_1", "phi_2", "eta_2", "pt_0", "pt_2", "pt_3")
_BINS = 50
_CAPTION = (
    f"The network's inputs of constituents 0 to 3: $p_T$ in units of {TOPODNN.pt_scale:,.0f} GeV. "
    "50 bins over the range of each class: their widths differ."
)


def compute(context: Context) -> Result:
    """Histogram six features, 50 bins over the range of each class."""
    sample = context.topodnn_sample("train")
    histograms = {
        feature: {
            name: histogram_of(sample.of_class(label)[:, sample.features.index(feature)], _BINS)
            for label, name in enumerate(("qcd", "top"))
        }
        for feature in _FEATURES
    }
    return context.result("toptag/fig3", sample, [], {"histograms": histograms})


def render(result: Result) -> Figure:
    """Draw six panels, top in blue over QCD in red."""
    figure = new_figure(10.5, 6.2)
    for axes, (feature, classes) in zip(
        figure.subplots(2, 3).flat, result.values["histograms"].items(), strict=True
    ):
        draw_histograms(axes, classes, symbol(feature))
    axes.legend(loc="upper right")
    footer(figure, result, _CAPTION)
    return figure
