"""F11: MBNS features ranked by LRP-γ, QCD and top."""

from matplotlib.figure import Figure

from repro.explain.lrp import explain_by_lrp
from repro.figures.captions import LRP_CAPTION, LRP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, rank_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Average |normalised relevance| per class, from the logit of the jet's own class.

    Corrected: outliers are dropped (B4) and biases absorb no relevance (B12).
    """
    corrected = context.settings.corrected
    sample, tagger = context.sample("mbns"), context.tagger("mbns")
    found = explain_by_lrp(
        context.problem(sample, tagger),
        biases=not corrected,
        outliers="dropped" if corrected else "zeroed",
    )
    shown = {name: bars_of(found, name) for name in ("qcd", "top")}
    values = {
        "lrp": shown,
        "rank": {name: {"pT_J": rank_entry(found, name, "pT_J")} for name in shown},
    }
    return context.result("toptag/fig11", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 10 largest relevances per class."""
    panels = {"qcd": "lrp.qcd", "top": "lrp.top"}
    return bar_figure(result, panels, LRP_LABEL, 10, LRP_CAPTION)
