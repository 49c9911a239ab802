"""F7: TopoDNN features ranked by MAD relevance, QCD and top."""

from matplotlib.figure import Figure

from repro.explain.mad_relevance import explain_by_mad_relevance
from repro.figures.captions import MAD_CAPTION, MAD_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, order_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Average |differential relevance| of the logit per class.

    Corrected: relative to the class's mean |logit| (B11), outliers dropped (B4).
    """
    corrected, seed = context.settings.corrected, context.settings.seed
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    found = explain_by_mad_relevance(
        context.problem(sample, tagger),
        scale="mean" if corrected else "jet",
        outliers="dropped" if corrected else "zeroed",
    )
    values = {
        "mad": {name: bars_of(found, name) for name in ("qcd", "top")},
        "order": {
            name: {"first_two": order_entry(found, name, 2, seed)} for name in ("qcd", "top")
        },
    }
    return context.result("toptag/fig7", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest MAD relevances per class."""
    return bar_figure(result, {"qcd": "mad.qcd", "top": "mad.top"}, MAD_LABEL, caption=MAD_CAPTION)
