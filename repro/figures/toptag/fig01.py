"""F1: TopoDNN features ranked by ΔAUC (occlusion by the mean)."""

from matplotlib.figure import Figure

from repro.explain.occlusion import explain_by_occlusion
from repro.figures.captions import DROP_CAPTION, DROP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, order_entry, ratio_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Mask each feature by its mean and take the drop in AUC, in percentage points."""
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    found = explain_by_occlusion(context.problem(sample, tagger))
    values = {
        "auc": found.details["auc"],
        "delta_auc": bars_of(found, "all"),
        "order": {"first": order_entry(found, "all", 1, context.settings.seed)},
        "ratio_first_second": ratio_entry(found, "all"),
    }
    return context.result("toptag/fig1", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest drops as horizontal bars."""
    return bar_figure(result, {"all": "delta_auc"}, DROP_LABEL, caption=DROP_CAPTION)
