"""F10: MBNS features ranked by KernelSHAP, and the authors' arrays, of older weights."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.data.callbacks import Fetch
from repro.explain.kernel_shap import explain_by_kernel_shap
from repro.explain.problem import Explanation
from repro.features.mbns import mbns_features
from repro.features.samples import Sample
from repro.features.stored import authors_mbns_background, authors_mbns_shap_values
from repro.figures.context import Context
from repro.figures.rankings import bars_of, top
from repro.figures.shap import (
    BACKGROUND,
    background_note,
    background_size,
    draw_shap,
    explained_jets,
    pick_background,
    shap_bars,
    shap_details,
    shap_evidence,
    shap_order,
)
from repro.figures.stopped import key_of_item
from repro.metrics.means import mean_intervals
from repro.models.cards import find_card
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute", "render"]

_COALITIONS = 50
_HALVED = 300
_RANKS = range(4, 11)
_AUTHORS = {"authors": "", "authors_tau_x_1": "tau_x_1"}
_LABELS = (
    "The authors' panel of top jets bears the labels of the QCD one (B8): its lengths are compared "
    "rank by rank, and its labels for the first three alone. Here each bar has its own."
)


def compute(context: Context) -> Result:
    """Run KernelSHAP on 500 jets per class, in units of the probability of the jet's own class.

    The values for one class are those for the other with the sign turned.  On the fixtures the
    arrays of the authors are read as well; they belong to weights that were replaced later.
    """
    seed = context.settings.seed
    sample, tagger = context.sample("mbns"), context.tagger("mbns")
    chosen = explained_jets(sample, seed)
    background, about = _background(context, sample)
    with context.stopped.folder(key_of_item(context, "toptag/fig10")) as folder:
        found = explain_by_kernel_shap(
            context.problem(chosen, tagger),
            background=background,
            background_size=background_size(context.settings.background),
            # Regressions are cheaper than those of TopoDNN, with fewer features.
            halved=_HALVED,
            nsamples=_COALITIONS,
            link="identity",
            checkpoints=folder,
        )
    evidence = {"": shap_evidence(chosen, tagger, found)}
    shown = {name: shap_bars(found, name) for name in ("qcd", "top")}
    values: dict[str, Any] = {
        "shap": shown,
        "shap_by_rank": {name: _by_rank(shown[name]) for name in shown},
        "order": {
            name: {"first_three": shap_order(found, name, 3, seed, evidence[""])} for name in shown
        },
        **shap_details(found),
    }
    if sample.data["source"] == "fixtures":
        values |= {name: _authors(context.fetch, variant) for name, variant in _AUTHORS.items()}
        stored = Evidence("complete", "SHAP values that the authors stored")
        evidence |= dict.fromkeys(_AUTHORS, stored)
    else:
        reason = "the authors' SHAP values belong to the jets of --data fixtures"
        evidence |= dict.fromkeys(_AUTHORS, missing(reason))
    return context.result(
        "toptag/fig10",
        chosen,
        [tagger],
        values,
        evidence=evidence,
        settings={**found.settings, "background_jets": about},
        notes=[background_note(found), _LABELS],
    )


def render(result: Result) -> Figure:
    """Draw mean |SHAP value| per class; the authors' values, where known, as lower rows."""
    rows = [name for name in ("shap", *_AUTHORS) if name in result.values]
    return draw_shap(result, rows, "probability", 10)


def _by_rank(entries: dict[str, Any]) -> dict[str, Any]:
    ordered = [entry for _, entry in top(entries, _RANKS.stop)]
    return {str(rank): ordered[rank - 1] for rank in _RANKS if rank <= len(ordered)}


def _authors(fetch: Fetch, variant: str) -> dict[str, Any]:
    """Return the authors' mean |SHAP| per class, all of their jets whatever --jets says."""
    names = mbns_features()
    card = find_card(f"mbns:{variant}" if variant else "mbns")
    seen = tuple(names[column] for column in card.columns(names))
    panels = {
        name: mean_intervals(np.abs(values))
        for name, values in zip(
            ("qcd", "top"), authors_mbns_shap_values(fetch, variant), strict=True
        )
    }
    found = Explanation("kernel_shap", "probability", seen, panels)
    return {name: bars_of(found, name) for name in panels}


def _background(context: Context, sample: Sample) -> tuple[NDArray[np.floating], str]:
    if sample.data["source"] == "fixtures":
        rows, about = authors_mbns_background(context.fetch), "training jets of the authors"
    elif sample.data["source"] == "paper":
        # The file is mixed: its beginning is a draw, and 1.2 million jets need not be read.
        rows, about = context.sample("mbns", "train", BACKGROUND).array, "training jets"
    else:
        rows, about = sample.array, "jets of the file"
    return pick_background(rows), about
