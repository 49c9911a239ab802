"""F5: LRP of the mean jet: what TopoDNN's weights and input scales give alone."""

from matplotlib.figure import Figure

from repro.explain.mean_behaviour import explain_by_mean_behaviour
from repro.figures.captions import LRP_CAPTION
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.rankings import bars_of, order_entry
from repro.results.document import Result

__all__ = ["compute", "render"]

_CAPTION = "The one jet whose features are the means of all jets."


def compute(context: Context) -> Result:
    """Replace every jet by the mean of all jets and propagate its relevance.

    Corrected: biases absorb no relevance (B12).
    """
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    found = explain_by_mean_behaviour(
        context.problem(sample, tagger), biases=not context.settings.corrected
    )
    seed = context.settings.seed
    values = {
        "relevance": bars_of(found, "all"),
        "order": {
            "first": order_entry(found, "all", 1, seed),
            "first_two": order_entry(found, "all", 2, seed),
        },
    }
    return context.result("toptag/fig5", sample, [tagger], values, settings=found.settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest relevances."""
    label = "|share of the relevance| of the mean jet"
    return bar_figure(result, {"all": "relevance"}, label, caption=f"{_CAPTION} {LRP_CAPTION}")
