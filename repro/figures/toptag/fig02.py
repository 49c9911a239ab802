"""F2: TopoDNN features ranked by KernelSHAP, the authors' values and ours."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.errors import BadInput
from repro.explain.kernel_shap import explain_by_kernel_shap
from repro.explain.problem import Explanation, Problem
from repro.features.samples import Sample, authors_background, authors_shap_values
from repro.figures.context import Context
from repro.figures.drawing import CLASS_COLOURS, CLASS_LABELS, bars, footer, new_figure
from repro.figures.rankings import bars_of, order_entry, rank_entry
from repro.metrics.means import mean_intervals
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, missing, rate

__all__ = ["compute", "render"]

_JETS_PER_CLASS = 500
_BACKGROUND = 5000
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
    chosen = _explained(sample, seed)
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
    evidence = {"": _evidence(chosen, tagger)}
    if len(background) < _BACKGROUND:
        reason = f"{len(background)} of the authors' {_BACKGROUND} background jets: take all"
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
    figure = new_figure(9.6, 6.0 * len(rows))
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for row, origin in zip(grid, rows, strict=True):
        for axes, name in zip(row, ("qcd", "top"), strict=True):
            bars(axes, result, f"{origin}.{name}", CLASS_COLOURS[name])
            axes.set_title(f"{CLASS_LABELS[name]}, {origin}")
            axes.set_xlabel("mean(|SHAP value|), logit")
    footer(figure, result)
    return figure


def _values(origin: str, found: Explanation, seed: int) -> dict[str, object]:
    prefix = "" if origin == "computed" else f"{origin}_"
    shown = {name: bars_of(found, name) for name in ("qcd", "top")}
    signed = found.details["signed_mean"]
    return {
        origin: shown,
        f"{prefix}order": {
            name: {"first_three": order_entry(found, name, 3, seed)} for name in shown
        },
        f"{prefix}rank": {name: {"pt_0": rank_entry(shown[name], "pt_0")} for name in shown},
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


def _explained(sample: Sample, seed: int) -> Sample:
    """Return up to 500 jets of each class: all of the fixtures, a seeded draw of the rest."""
    generator = np.random.default_rng(seed)
    rows: list[NDArray[np.int64]] = []
    for label in (0, 1):
        mine = np.flatnonzero(sample.labels == label)
        if len(mine) > _JETS_PER_CLASS:
            mine = np.sort(generator.choice(mine, _JETS_PER_CLASS, replace=False))
        rows.append(mine)
    chosen = np.concatenate(rows)
    if len(chosen) == len(sample.labels):
        return sample
    about = f"{len(chosen)} of {sample.description}, {_JETS_PER_CLASS} per class at most"
    return Sample(
        inputs=sample.inputs[chosen],
        labels=sample.labels[chosen],
        rows=sample.rows[chosen],
        kind=sample.kind,
        description=about,
        data={**sample.data, "jets": len(chosen), "selection": about},
    )


def _background(
    context: Context, sample: Sample, chosen: Sample
) -> tuple[NDArray[np.float32], str]:
    size = context.settings.background
    if not 1 <= size <= _BACKGROUND:
        raise BadInput(f"--background {size}: take 1 to {_BACKGROUND} jets")
    if context.settings.corrected:
        rows, about = chosen.inputs, "the explained jets, both classes"
    elif sample.data["source"] == "fixtures":
        rows, about = authors_background(context.fetch), "QCD training jets of the authors (B7)"
    elif sample.data["source"] == "paper":
        # The file is mixed: its beginning is a draw, and 1.2 million jets need not be read.
        training = context.topodnn_sample("train", jets=4 * _BACKGROUND)
        rows, about = training.of_class(0), "QCD training jets (B7)"
    else:
        rows, about = sample.of_class(0), "QCD jets of the file (B7)"
    picked = np.random.default_rng(0).permutation(len(rows))[:size]
    return rows[np.sort(picked)], about


def _evidence(chosen: Sample, tagger: Tagger) -> Evidence:
    complete = len(chosen.labels) == 2 * _JETS_PER_CLASS and chosen.kind != "other"
    kind = "complete" if complete else rate(chosen.kind, chosen.labels)
    about = f"KernelSHAP of {chosen.description}"
    return Evidence(kind, about, tagger.own_weights)
