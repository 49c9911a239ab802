"""F9: MBNS features ranked by ΔAUC (occlusion by the mean)."""

from matplotlib.figure import Figure

from repro.explain.occlusion import explain_by_occlusion
from repro.figures.captions import DROP_CAPTION, DROP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, order_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Mask each feature by its mean and take the drop in AUC, in percentage points.

    As published the azimuth is not wrapped, and some jets have a subjettiness far too large (B3).
    """
    sample, tagger = context.sample("mbns"), context.tagger("mbns")
    found = explain_by_occlusion(context.problem(sample, tagger))
    values = {
        "auc": found.details["auc"],
        "delta_auc": bars_of(found, "all"),
        "order": {"first_five": order_entry(found, "all", 5, context.settings.seed)},
    }
    return context.result("toptag/fig9", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 10 largest drops as horizontal bars."""
    return bar_figure(result, {"all": "delta_auc"}, DROP_LABEL, 10, DROP_CAPTION)
