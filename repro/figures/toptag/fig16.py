"""F16: PFN's constituent features ranked by ΔAUC (occlusion by the mean of filled slots)."""

from matplotlib.figure import Figure

from repro.explain.occlusion import explain_by_occlusion
from repro.figures.captions import DROP_CAPTION, DROP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.latent import explained_sample, particle_problem
from repro.figures.rankings import bars_of, order_entry
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Mask pt, eta and phi of 30 constituents, one at a time, and take the drop in AUC.

    As published on 103,424 jets (B2) with the azimuth unwrapped (B3).
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    found = explain_by_occlusion(particle_problem(context, sample, tagger))
    values = {
        "auc": {"baseline": found.details["auc_interval"]},
        "delta_auc": bars_of(found, "all"),
        "order": {"first_three": order_entry(found, "all", 3, context.settings.seed)},
    }
    return context.result("toptag/fig16", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest drops as horizontal bars."""
    return bar_figure(result, {"all": "delta_auc"}, DROP_LABEL, caption=DROP_CAPTION)
