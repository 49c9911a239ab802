"""F6: loss of fidelity for each feature of tracks and vertices at zero."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from repro.explain.problem import Explanation
from repro.figures.context import Context
from repro.figures.drawing import figure_without_jets
from repro.figures.feature_bars import feature_panels
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, feature_drops, masked_scores
from repro.metrics.agreement import Ranking, agreement
from repro.metrics.bootstrap import Intervals
from repro.metrics.correlated import draw_numbers
from repro.metrics.intervals import Interval
from repro.results.document import Result, named

__all__ = ["compute", "render"]

_DRAWS = 300
_LABEL = "loss of fidelity"
_CAPTION = (
    "Loss of fidelity: mean |P(H to bb) with the feature at zero in all slots − P as it is|, over "
    "all jets. Logarithmic above 0.001."
)
_ORDERS = (
    "kendall_tau compares the order of features by the loss of fidelity with that by the drop in "
    "AUC; errors of the two are drawn as if independent, although the jets are the same."
)


def compute(context: Context) -> Result:
    """Set each feature to zero in all slots, and take the mean change of the score."""
    if not context.record:
        return needs_jets(context, "hbb/fig6")
    tagger = context.tagger(FAMILY)
    scores, drops = masked_scores(context), feature_drops(context)
    found = drops.details["fidelity"]
    losses = Intervals(
        1 - found.value / 100, 1 - found.high / 100, 1 - found.low / 100, found.level
    )
    values: dict[str, Any] = {
        "infidelity": named(drops.names, losses),
        "kendall_tau": {"delta_auc": _agreement(drops, losses, context.settings.seed)},
    }
    return scores.result(
        context,
        "hbb/fig6",
        tagger,
        values,
        settings={"replacement": "zero"},
        notes=[_ORDERS, NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw the losses of tracks and of vertices."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    return feature_panels(result, "infidelity", _LABEL, _CAPTION, 0.001)


def _agreement(drops: Explanation, losses: Intervals, seed: int) -> Interval:
    generator = np.random.default_rng(seed)
    orders = [
        Ranking(np.vstack([numbers.value, draw_numbers(numbers, generator, _DRAWS)]))
        for numbers in (losses, drops.panels["all"])
    ]
    return agreement(*orders)
