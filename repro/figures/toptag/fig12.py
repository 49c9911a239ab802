"""F12: MBNS features ranked by MAD relevance, QCD and top."""

from matplotlib.figure import Figure

from repro.explain.mad_relevance import explain_by_mad_relevance
from repro.figures.captions import MAD_CAPTION, MAD_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, rank_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Average |differential relevance| of the logit of the jet's own class, per class.

    Corrected: relative to the class's mean |logit| (B11), outliers dropped (B4).
    """
    corrected = context.settings.corrected
    sample, tagger = context.sample("mbns"), context.tagger("mbns")
    found = explain_by_mad_relevance(
        context.problem(sample, tagger),
        scale="mean" if corrected else "jet",
        outliers="dropped" if corrected else "zeroed",
    )
    shown = {name: bars_of(found, name) for name in ("qcd", "top")}
    values = {
        "mad": shown,
        "rank": {name: {"pT_J": rank_entry(found, name, "pT_J")} for name in shown},
    }
    return context.result("toptag/fig12", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 10 largest MAD relevances per class."""
    return bar_figure(result, {"qcd": "mad.qcd", "top": "mad.top"}, MAD_LABEL, 10, MAD_CAPTION)
