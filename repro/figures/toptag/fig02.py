"""F2: TopoDNN features ranked by KernelSHAP, the authors' values and ours."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.explain.kernel_shap import explain_by_kernel_shap
from repro.explain.problem import Explanation, Problem
from repro.features.samples import Sample, authors_background, authors_shap_values
from repro.figures.context import Context
from repro.figures.rankings import bars_of, order_entry, rank_entry
from repro.figures.shap import (
    BACKGROUND,
    background_size,
    draw_shap,
    explained_jets,
    pick_background,
    shap_evidence,
)
from repro.metrics.means import mean_intervals
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute", "render"]

_COALITIONS = 180
_BACKGROUND_NOTE = (
    "The KernelSHAP background has {} jets, the authors' has 5000 (--background N); "
    "see the settings for which jets these are."
)


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
    found = explain_by_kernel_shap(
        problem,
        background=background,
        nsamples=_COALITIONS,
        checkpoints=context.store.directory / "stopped",
    )
    values = _values("computed", found, seed)
    values |= {name: found.details[name] for name in ("base", "mean_residual", "largest_residual")}
    authors = [f"authors{part}" for part in ("", "_order", "_rank", "_signed", "_base")]
    # The authors explained these very jets: for this figure they are all there is.
    evidence = {"": shap_evidence(chosen, tagger)}
    # With other jets the tolerance is wide enough for fewer of them.
    if len(background) < BACKGROUND and evidence[""].reproduces:
        reason = f"{len(background)} of the authors' {BACKGROUND} background jets: take all"
        evidence |= {name: missing(reason) for name in ("computed", "order", "rank")}
    if sample.data["source"] == "fixtures":
        values |= _authors(context, problem)
        evidence |= {
            name: Evidence("complete", "SHAP values that the authors stored") for name in authors
        }
    else:
        reason = "the authors' SHAP values belong to the jets of --data fixtures"
        evidence |= {name: missing(reason) for name in authors}
    return context.result(
        "toptag/fig2",
        chosen,
        [tagger],
        values,
        evidence=evidence,
        settings={**found.settings, "background_jets": about},
        notes=[_BACKGROUND_NOTE.format(len(background))],
    )


def render(result: Result) -> Figure:
    """Draw mean |SHAP value| per class; the authors' values, where known, as the lower row."""
    rows = [name for name in ("computed", "authors") if name in result.values]
    return draw_shap(result, rows, "logit", 20)


def _values(origin: str, found: Explanation, seed: int) -> dict[str, object]:
    prefix = "" if origin == "computed" else f"{origin}_"
    shown = {name: bars_of(found, name) for name in ("qcd", "top")}
    signed = found.details["signed_mean"]
    return {
        origin: shown,
        f"{prefix}order": {
            name: {"first_three": order_entry(found, name, 3, seed)} for name in shown
        },
        f"{prefix}rank": {name: {"pt_0": rank_entry(found, name, "pt_0")} for name in shown},
        f"{origin}_signed": {
            name: dict(zip(found.names, signed[name].tolist(), strict=True)) for name in shown
        },
    }


def _authors(context: Context, problem: Problem) -> dict[str, object]:
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
    return _values("authors", found, problem.seed) | {"authors_base": base}


def _background(
    context: Context, sample: Sample, chosen: Sample
) -> tuple[NDArray[np.floating], str]:
    size = background_size(context.settings.background)
    if context.settings.corrected:
        rows, about = chosen.inputs, "the explained jets, both classes"
    elif sample.data["source"] == "fixtures":
        rows, about = authors_background(context.fetch), "QCD training jets of the authors (B7)"
    elif sample.data["source"] == "paper":
        # The file is mixed: its beginning is a draw, and 1.2 million jets need not be read.
        training = context.topodnn_sample("train", jets=4 * BACKGROUND)
        rows, about = training.of_class(0), "QCD training jets (B7)"
    else:
        rows, about = sample.of_class(0), "QCD jets of the file (B7)"
    return pick_background(rows, size), about
