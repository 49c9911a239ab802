"""F15: correlations of the jet quantities that MBNS is made of, QCD and top."""

import numpy as np
from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.heatmaps import correlation_values, draw_correlations
from repro.figures.jets_of_mbns import jets_of_mbns
from repro.results.document import Result

__all__ = ["compute", "render"]

_ALL = 26
_STORED = "The authors stored the {} inputs of MBNS; the other {} quantities are not among them."


def compute(context: Context) -> Result:
    """Correlate 24 subjettinesses, jet pT and jet mass."""
    table = jets_of_mbns(context)
    matrices = {
        panel: correlation_values(
            table.names, np.stack([table.column(name, label) for name in table.names], axis=1)
        )
        for label, panel in enumerate(("qcd", "top"))
    }
    few = len(table.names) < _ALL
    notes = [_STORED.format(len(table.names), _ALL - len(table.names))] if few else []
    return context.result("toptag/fig15", table.sample, [], {"correlation": matrices}, notes=notes)


def render(result: Result) -> Figure:
    """Draw one heat map per class, diverging colours, one decimal in each cell."""
    return draw_correlations(result, result.values["correlation"])
