"""F5: drop in AUC for each feature of tracks and vertices at zero."""

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from repro.explain.problem import Explanation
from repro.figures.captions import ZERO_CAPTION, ZERO_LABEL
from repro.figures.context import Context
from repro.figures.drawing import figure_without_jets
from repro.figures.feature_bars import feature_panels
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, feature_drops, masked_scores
from repro.figures.rankings import bars_of, rank_entry
from repro.metrics.correlated import draw_numbers
from repro.metrics.ranks import places_of
from repro.results.document import Result
from repro.results.evidence import SURE

__all__ = ["compute", "render"]

_SETS = {"first_four": (1, 4), "next_three": (5, 7)}
_RANKED = ("sv_pt", "sv_ptrel", "trackBTag_EtaRel", "sv_erel")
_DRAWS = 2000


def compute(context: Context) -> Result:
    """Set each feature to zero in all slots, and take the drop in AUC, in percentage points."""
    if not context.record:
        return needs_jets(context, "hbb/fig5")
    tagger = context.tagger(FAMILY)
    scores, drops = masked_scores(context), feature_drops(context)
    seed = context.settings.seed
    values: dict[str, Any] = {
        "auc": drops.details["auc"],
        "delta_auc": bars_of(drops, "all"),
        "sets": {name: _set_entry(drops, places, seed) for name, places in _SETS.items()},
        "rank": {name: rank_entry(drops, "all", name) for name in _RANKED},
    }
    return scores.result(
        context,
        "hbb/fig5",
        tagger,
        values,
        settings={"replacement": "zero"},
        notes=[NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw the drops of tracks, of vertices, and of both together."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    return feature_panels(result, "delta_auc", ZERO_LABEL, ZERO_CAPTION, 0.01)


def _set_entry(drops: Explanation, places: tuple[int, int], seed: int) -> dict[str, Any]:
    """Return which features have some places, by name, and how often draws give these.

    ``candidates`` are those that may have one of the places.
    """
    numbers, (first, last) = drops.panels["all"], places
    drawn = draw_numbers(numbers, np.random.default_rng(seed), _DRAWS)
    leading = np.argsort(-drawn, axis=1, kind="stable")[:, first - 1 : last]
    counted = Counter(", ".join(sorted(drops.names[i] for i in row)) for row in leading)
    found = places_of(numbers, SURE)
    return {
        "value": sorted(drops.order("all")[first - 1 : last]),
        "shares": {name: count / _DRAWS for name, count in counted.items()},
        "candidates": {
            name: []
            for name, best, worst in zip(drops.names, found.first, found.last, strict=True)
            if best <= last and worst >= first
        },
    }
