"""K1: performance of the baseline, by both ways to treat jets without a label."""

from typing import Any

from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.curves import Look, areas_of, curves_of, draw_precision, draw_roc
from repro.figures.drawing import figure_without_jets, footer, new_figure
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import MaskedScores, baseline_scores
from repro.metrics.intervals import Interval, clopper_pearson
from repro.metrics.percent import in_points
from repro.metrics.unlabelled import right_decisions
from repro.results.document import Result

__all__ = ["compute", "render"]

_CONVENTIONS = ("unlabelled_as_background", "unlabelled_removed")
_LOOKS = {
    "unlabelled_as_background": ("without a label: background", "#1f4e96", "-"),
    "unlabelled_removed": ("without a label: left out", "#e76300", "--"),
}
_ACCURACY = (
    "The accuracy counts a jet without a label as right where the network says H to bb, as the "
    "notebooks do, which compare with the column of QCD; or leaves such jets out."
)
_CAPTION = (
    "Some jets of signal samples have no Higgs boson near them, and are no QCD jets either. The "
    "notebooks take them for background, the study of portability leaves them out."
)


def compute(context: Context) -> Result:
    """Score all jets with the baseline, with and without those that have no label."""
    if not context.record:
        return needs_jets(context, "hbb/figK1")
    tagger = context.tagger(FAMILY)
    scores = baseline_scores(context)
    chosen = dict(zip(_CONVENTIONS, (scores, scores.take(~scores.unlabelled)), strict=True))
    areas = {name: areas_of(some.plain, some.labels) for name, some in chosen.items()}
    values: dict[str, Any] = {
        "auc": {name: found["auc"] for name, found in areas.items()},
        "pr_auc": {name: found["pr_auc"] for name, found in areas.items()},
        "accuracy": _accuracies(scores),
        "share": _shares(scores),
        "curves": {name: curves_of(some.plain, some.labels) for name, some in chosen.items()},
    }
    return scores.result(
        context,
        "hbb/figK1",
        tagger,
        values,
        notes=[_ACCURACY],
        without_unlabelled=[
            f"{name}.unlabelled_removed" for name in ("auc", "pr_auc", "accuracy", "curves")
        ],
    )


def render(result: Result) -> Figure:
    """Draw both curves by both conventions, their areas, and the accuracies."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(10.0, 5.3)
    left, right = figure.subplots(1, 2)
    values = result.values
    for axes, draw, area, title in (
        (left, draw_roc, "auc", "ROC curve: AUC"),
        (right, draw_precision, "pr_auc", "precision and recall: area"),
    ):
        looks = {
            name: Look(f"{label}: {values[area][name]['value']:.2f} %", colour, stroke)
            for name, (label, colour, stroke) in _LOOKS.items()
        }
        draw(axes, values["curves"], looks)
        axes.set_title(title)
    accuracy = values["accuracy"]
    right.text(
        0.03,
        0.24,
        "accuracy at 0.5\n"
        f"all jets: {accuracy['unlabelled_counted']['value']:.2f} %\n"
        f"with a label: {accuracy['unlabelled_removed']['value']:.2f} %",
        transform=right.transAxes,
        fontsize=8.5,
    )
    footer(figure, result, _CAPTION)
    return figure


def _accuracies(scores: MaskedScores) -> dict[str, Interval]:
    """Return the accuracies at 0.5 in per cent: a logit of zero."""
    found = right_decisions(scores.plain, scores.labels, scores.unlabelled, threshold=0.0)
    names = {"background": "unlabelled_counted", "removed": "unlabelled_removed"}
    return {names[policy]: in_points(clopper_pearson(*counts)) for policy, counts in found.items()}


def _shares(scores: MaskedScores) -> dict[str, Interval]:
    """Return which part of the jets, in per cent, is of a class or of none."""
    counts = {
        "hbb": int(scores.labels.sum()),
        "unlabelled": int(scores.unlabelled.sum()),
        "qcd": int(((scores.labels == 0) & ~scores.unlabelled).sum()),
    }
    total = len(scores.labels)
    return {name: in_points(clopper_pearson(count, total)) for name, count in counts.items()}
