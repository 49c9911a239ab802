"""F6: correlations of TopoDNN inputs, first ten constituents, QCD and top."""

from matplotlib.figure import Figure

from repro.features.samples import CONSTANT_FEATURES
from repro.figures.context import Context
from repro.figures.heatmaps import correlation_values, draw_correlations
from repro.results.document import Result

__all__ = ["compute", "render"]

_CONSTITUENTS = 10
_ROUNDING_NOISE = (
    "eta_1 is zero by construction up to rounding (1e-15): its correlations are those of the "
    "rounding, in the paper's figure as well."
)


def compute(context: Context) -> Result:
    """Correlate the 28 features of ten constituents that vary."""
    sample = context.topodnn_sample()
    names = [name for name in sample.features[: 3 * _CONSTITUENTS] if name not in CONSTANT_FEATURES]
    columns = [sample.features.index(name) for name in names]
    matrices = {
        panel: correlation_values(names, sample.of_class(label)[:, columns])
        for label, panel in enumerate(("qcd", "top"))
    }
    return context.result(
        "toptag/fig6", sample, [], {"correlation": matrices}, notes=[_ROUNDING_NOISE]
    )


def render(result: Result) -> Figure:
    """Draw one heat map per class, diverging colours, one decimal in each cell."""
    return draw_correlations(result, result.values["correlation"])
