"""F1: ROC and precision-recall curves of the baseline, with working points."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.figures.context import Context
from repro.figures.curves import Look, areas_of, curves_of, draw_precision, draw_roc
from repro.figures.drawing import figure_without_jets, footer, new_figure
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, baseline_scores, kept
from repro.metrics.intervals import Interval, rejection_interval
from repro.metrics.roc import Ranking, rank_jets
from repro.results.document import Result

__all__ = ["compute", "render", "working_points"]

_EFFICIENCIES = range(10, 100, 10)
_COLOUR = "#1f4e96"
_CAPTION = (
    "Points: background efficiency at 10 to 90 % signal efficiency, with 95 % intervals. Diamonds: "
    "the same read off the authors' curve. Dotted: a coin."
)


def compute(context: Context) -> Result:
    """Score all jets with the baseline; jets without a label are background (H1)."""
    if not context.record:
        return needs_jets(context, "hbb/fig1")
    tagger = context.tagger(FAMILY)
    scores = kept(context, baseline_scores(context))
    areas = areas_of(scores.plain, scores.labels)
    values: dict[str, Any] = {
        "auc": {"baseline": areas["auc"]},
        "pr_auc": {"baseline": areas["pr_auc"]},
        "fpr_at_tpr": working_points(scores.plain, scores.labels),
        "curves": {"baseline": curves_of(scores.plain, scores.labels)},
    }
    return scores.result(
        context,
        "hbb/fig1",
        tagger,
        values,
        notes=[NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw both curves, the working points, and those of the authors' curve."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(10.0, 5.2)
    left, right = figure.subplots(1, 2)
    curves, areas = result.values["curves"], result.values
    shown = {
        name: {
            "baseline": Look(
                f"baseline, {word} {_percent(areas[name]['baseline'])}", _COLOUR, width=1.6
            )
        }
        for name, word in (("auc", "AUC"), ("pr_auc", "area"))
    }
    _draw_points(left, result)
    draw_roc(left, curves, shown["auc"])
    left.set_title("ROC curve")
    draw_precision(right, curves, shown["pr_auc"])
    right.set_title("precision and recall")
    footer(figure, result, _CAPTION)
    return figure


def working_points(
    scores: NDArray[np.floating], labels: NDArray[np.integer]
) -> dict[str, Interval]:
    """Return the background efficiency at signal efficiencies in per cent, with intervals.

    Args:
        scores: (n,).
        labels: (n,).
    """
    ranking = rank_jets(scores, labels)
    return {str(percent): _background_at(ranking, percent / 100) for percent in _EFFICIENCIES}


def _background_at(ranking: Ranking, efficiency: float) -> Interval:
    """Return what is left of the background: the inverse of the rejection."""
    found = rejection_interval(ranking, efficiency)
    return Interval(1 / found.value, 1 / found.high, 1 / found.low, found.level)


def _draw_points(axes: Axes, result: Result) -> None:
    points = result.values["fpr_at_tpr"]
    rates = np.array([points[name]["value"] for name in points], float)
    ends = np.array([points[name]["interval"] for name in points], float)
    heights = np.array([int(name) / 100 for name in points])
    seen = rates > 0
    widths = np.abs(ends - rates[:, None])[seen].T
    axes.errorbar(
        rates[seen],
        heights[seen],
        xerr=np.minimum(widths, [rates[seen] * 0.999, widths[1]]),
        fmt="o",
        color=_COLOUR,
        ms=3.5,
        lw=0.9,
        capsize=2,
    )
    stated = {
        claim["id"].rpartition(".")[2]: claim["expected"]
        for claim in result.claims
        if claim["id"].startswith("hbb/C11.fpr.")
    }
    if stated:
        axes.plot(
            list(stated.values()),
            [int(name) / 100 for name in stated],
            "D",
            mfc="white",
            mec="black",
            mew=0.9,
            ms=4.5,
            label="the authors' curve",
        )


def _percent(entry: dict[str, Any]) -> str:
    low, high = entry["interval"]
    return f"{entry['value']:.2f} % [{low:.2f}, {high:.2f}]"
