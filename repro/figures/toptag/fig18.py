"""F18: PFN's latent nodes ranked by ΔAUC, and the AUC that the leading ones keep."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.rows import ChangedRows
from repro.explain.masking import logits_of
from repro.explain.occlusion import discriminant, explain_by_occlusion
from repro.explain.problem import Problem
from repro.figures.captions import DROP_CAPTION, DROP_LABEL
from repro.figures.context import Context
from repro.figures.drawing import bar_figure
from repro.figures.latent import CUT, LatentSpace, explained_sample, latent_space
from repro.figures.rankings import bars_of, order_entry, ratio_entry
from repro.metrics.intervals import auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Mask each latent node with a mean of 0.1 or more; then fix all other nodes at once.

    As published on 103,424 jets (B2).
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    space = latent_space(context, sample, tagger)
    problem = space.problem(context)
    found = explain_by_occlusion(problem)
    values = {
        "auc": found.details["auc"],
        "delta_auc": bars_of(found, "all"),
        "order": {"first_two": order_entry(found, "all", 2, context.settings.seed)},
        "ratio_first_second": ratio_entry(found, "all"),
        "kept": _kept(problem, space, found.order("all")),
    }
    settings = {**found.settings, "cut": CUT}
    return context.result("toptag/fig18", sample, [tagger], values, settings=settings)


def render(result: Result) -> Figure:
    """Draw the 20 largest drops as horizontal bars."""
    return bar_figure(result, {"all": "delta_auc"}, DROP_LABEL, caption=DROP_CAPTION)


def _kept(problem: Problem, space: LatentSpace, order: tuple[str, ...]) -> dict[str, Any]:
    """Return the nodes that are kept, how certain their number is, and the AUC that they keep."""
    means, errors = problem.means(), problem.errors_of_means()
    ends = [int((means - sign * 1.96 * errors >= CUT).sum()) for sign in (1, -1)]

    def others_fixed(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        found = means.astype(rows.dtype)[None].repeat(len(rows), 0)
        found[:, space.kept] = rows[:, space.kept]
        return found

    fixed = ChangedRows(space.values, others_fixed, len(means))
    ranking = rank_jets(discriminant(logits_of(problem, fixed)), problem.labels)
    return {
        "count": {"value": len(space.kept), "interval": ends},
        "auc": in_points(auc_interval(ranking)),
        "nodes": list(order),
    }
