"""F17: PFN's constituent features ranked by MAD relevance, QCD and top."""

from matplotlib.figure import Figure

from repro.explain.mad_relevance import explain_by_mad_relevance
from repro.figures.captions import MAD_CAPTION, MAD_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.latent import explained_sample, particle_problem
from repro.figures.rankings import bars_of, order_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Average |differential relevance| of the logit of the jet's own class, per class.

    As published on 103,424 jets (B2).  Corrected: all jets, relative to the class's mean |logit|
    (B11), outliers dropped (B4).
    """
    corrected, seed = context.settings.corrected, context.settings.seed
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    found = explain_by_mad_relevance(
        particle_problem(context, sample, tagger),
        scale="mean" if corrected else "jet",
        outliers="dropped" if corrected else "zeroed",
    )
    values = {
        "mad": {name: bars_of(found, name) for name in ("qcd", "top")},
        "order": {name: {"first": order_entry(found, name, 1, seed)} for name in ("qcd", "top")},
    }
    return context.result("toptag/fig17", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest MAD relevances per class."""
    return bar_figure(result, {"qcd": "mad.qcd", "top": "mad.top"}, MAD_LABEL, caption=MAD_CAPTION)
