"""F8: neuron activation pattern of TopoDNN, two-sided, and |RNA difference|."""

from matplotlib.figure import Figure

from repro.explain.activation_patterns import explain_by_activation_patterns
from repro.figures.context import Context
from repro.figures.patterns import draw_patterns, pattern_values
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Relative neuron activity of all hidden nodes per class, and sparsities."""
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    found = explain_by_activation_patterns(context.problem(sample, tagger))
    return context.result(
        "toptag/fig8", sample, [tagger], pattern_values(found), settings=found.settings
    )


def render(result: Result) -> Figure:
    """Draw one column per layer: QCD as -RNA to the left, top as +RNA to the right."""
    return draw_patterns(result)
