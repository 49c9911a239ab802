"""F2: TopoDNN features ranked by KernelSHAP, the authors' values and ours."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.explain.kernel_shap import explain_by_kernel_shap
from repro.explain.problem import Explanation, Problem
from repro.features.samples import Sample, authors_background, authors_shap_values
from repro.figures.context import Context
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
    shap_rank,
)
from repro.figures.stopped import key_of_item
from repro.metrics.means import mean_intervals
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute", "render"]

_COALITIONS = 180


def compute(context: Context) -> Result:
    """Run KernelSHAP on 500 jets per class; on the fixtures also read the authors' values.

    As published the background holds QCD jets only (quirk B7); corrected, it holds both
    classes alike.
    """
    seed = context.settings.seed
    sample, tagger = context.topodnn_sample(), context.tagger("topodnn")
    chosen = explained_jets(sample, seed)
    background, about = _background(context, sample, chosen)
    problem = context.problem(chosen, tagger)
    with context.stopped.folder(key_of_item(context, "toptag/fig2")) as folder:
        found = explain_by_kernel_shap(
            problem,
            background=background,
            background_size=background_size(context.settings.background),
            nsamples=_COALITIONS,
            checkpoints=folder,
        )
    # The authors explained these very jets: for this figure they are all there is.
    evidence = {"": shap_evidence(chosen, tagger, found)}
    values = _values("computed", found, seed, evidence[""])
    values |= shap_details(found)
    authors = [f"authors{part}" for part in ("", "_order", "_rank", "_signed", "_base")]
    stored = Evidence("complete", "SHAP values that the authors stored")
    if sample.data["source"] == "fixtures":
        values |= _authors(context, problem, stored)
        evidence |= dict.fromkeys(authors, stored)
    else:
        reason = "the authors' SHAP values belong to the jets of --data fixtures"
        evidence |= dict.fromkeys(authors, missing(reason))
    return context.result(
        "toptag/fig2",
        chosen,
        [tagger],
        values,
        evidence=evidence,
        settings={**found.settings, "background_jets": about},
        notes=[background_note(found)],
    )


def render(result: Result) -> Figure:
    """Draw mean |SHAP value| per class; the authors' values, where known, as the lower row."""
    rows = [name for name in ("computed", "authors") if name in result.values]
    return draw_shap(result, rows, "logit", 20)


def _values(origin: str, found: Explanation, seed: int, evidence: Evidence) -> dict[str, object]:
    prefix = "" if origin == "computed" else f"{origin}_"
    shown = {name: shap_bars(found, name) for name in ("qcd", "top")}
    signed = found.details["signed_mean"]
    return {
        origin: shown,
        f"{prefix}order": {
            name: {"first_three": shap_order(found, name, 3, seed, evidence)} for name in shown
        },
        f"{prefix}rank": {name: {"pt_0": shap_rank(found, name, "pt_0")} for name in shown},
        f"{origin}_signed": {
            name: dict(zip(found.names, signed[name].tolist(), strict=True)) for name in shown
        },
    }


def _authors(context: Context, problem: Problem, stored: Evidence) -> dict[str, object]:
    """Summarise the SHAP values that the authors stored, all of them whatever --jets says."""
    *by_class, base = authors_shap_values(context.fetch)
    ranked = [values[:, problem.ranked] for values in by_class]
    found = Explanation(
        "kernel_shap",
        "logit",
        problem.ranked_features,
        {
            name: mean_intervals(np.abs(values))
            for name, values in zip(problem.classes, ranked, strict=True)
        },
        details={
            "signed_mean": {
                name: values.mean(axis=0)
                for name, values in zip(problem.classes, ranked, strict=True)
            }
        },
    )
    return _values("authors", found, problem.seed, stored) | {"authors_base": base}


def _background(
    context: Context, sample: Sample, chosen: Sample
) -> tuple[NDArray[np.floating], str]:
    if context.settings.corrected:
        rows, about = chosen.array, "the explained jets, both classes"
    elif sample.data["source"] == "fixtures":
        rows, about = authors_background(context.fetch), "QCD training jets of the authors (B7)"
    elif sample.data["source"] == "paper":
        # The file is mixed: its beginning is a draw, and 1.2 million jets need not be read.
        training = context.topodnn_sample("train", jets=4 * BACKGROUND)
        rows, about = training.of_class(0), "QCD training jets (B7)"
    else:
        rows, about = sample.of_class(0), "QCD jets of the file (B7)"
    return pick_background(rows), about
