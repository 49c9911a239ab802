"""F4: TopoDNN features ranked by LRP-γ, QCD and top."""

from matplotlib.figure import Figure

from repro.explain.lrp import explain_by_lrp
from repro.figures.captions import LRP_CAPTION, LRP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, order_entry, rank_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Average |normalised relevance| per class.

    Corrected: outliers are dropped (B4) and biases absorb no relevance (B12).
    """
    corrected, seed = context.settings.corrected, context.settings.seed
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    found = explain_by_lrp(
        context.problem(sample, tagger),
        biases=not corrected,
        outliers="dropped" if corrected else "zeroed",
    )
    shown = {name: bars_of(found, name) for name in ("qcd", "top")}
    values = {
        "lrp": shown,
        "order": {name: {"first_two": order_entry(found, name, 2, seed)} for name in shown},
        "rank": {name: {"phi_1": rank_entry(found, name, "phi_1")} for name in shown},
    }
    return context.result("toptag/fig4", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest relevances per class."""
    panels = {"qcd": "lrp.qcd", "top": "lrp.top"}
    return bar_figure(result, panels, LRP_LABEL, caption=LRP_CAPTION)
