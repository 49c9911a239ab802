"""F3: ROC curves with the softest or the hardest tracks masked."""

from typing import Any

from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.curves import Look, curves_of, draw_roc, looks_of
from repro.figures.drawing import figure_without_jets, footer, new_figure
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import FIRST, LAST, NO_LABEL, MaskedScores, masked_scores
from repro.metrics.intervals import auc_difference_interval, auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.results.document import Result

__all__ = ["compute", "render"]

_TITLES = {"last": "softest tracks masked", "first": "hardest tracks masked"}
_COMPARED = 20
_SLOTS = (
    "Tracks are sorted by track_erel, and slots are masked: of 60, most of the last ones are empty "
    "in most jets, so that the last ten are tracks of few jets, and the first ten of nearly all."
)
_CAPTION = (
    "All features of so many of the 60 track slots at zero, tracks sorted by energy: the last, "
    "where jets with fewer tracks have none, or the first. F: fidelity. Dotted: a coin."
)


def compute(context: Context) -> Result:
    """Mask the first and the last slots of tracks that are sorted by their energy."""
    if not context.record:
        return needs_jets(context, "hbb/fig3")
    tagger = context.tagger(FAMILY)
    scores = masked_scores(context)
    values: dict[str, Any] = {
        side: _numbers(scores, side, counts) for side, counts in (("first", FIRST), ("last", LAST))
    }
    gap = auc_difference_interval(
        scores.of(f"last.{_COMPARED}"), scores.of(f"first.{_COMPARED}"), scores.labels
    )
    values["last_minus_first"] = {str(_COMPARED): in_points(gap)}
    values["curves"] = {
        side: {
            name: curves_of(scores.of("" if name == "0" else f"{side}.{name}"), scores.labels)
            for name in values[side]
        }
        for side in _TITLES
    }
    return scores.result(
        context,
        "hbb/fig3",
        tagger,
        values,
        settings={"sorted_by": "track_erel"},
        notes=[_SLOTS, NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw one curve for each number of masked tracks, softest on the left."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(10.4, 5.4)
    for axes, (side, title) in zip(figure.subplots(1, 2), _TITLES.items(), strict=True):
        entries = result.values[side]
        labels = {
            name: f"{'none' if name == '0' else name}: AUC {entry['auc']['value']:.2f} %, "
            f"F {entry['fidelity']['value']:.2f} %"
            for name, entry in entries.items()
        }
        masked = [name for name in entries if name != "0"]
        looks = {"0": Look(labels["0"], "black", width=1.8)} | looks_of(masked, labels)
        draw_roc(axes, result.values["curves"][side], looks)
        axes.set_title(title)
    footer(figure, result, _CAPTION)
    return figure


def _numbers(scores: MaskedScores, side: str, counts: tuple[int, ...]) -> dict[str, Any]:
    """Return AUC, its loss and the fidelity by the number of masked slots, none of them first."""
    names = ["", *(f"{side}.{count}" for count in counts)]
    found = scores.drops(names)
    return {
        str(count): {
            "auc": in_points(auc_interval(rank_jets(scores.of(name), scores.labels))),
            "loss": found.panels["all"][i],
            "fidelity": found.details["fidelity"][i],
        }
        for i, (count, name) in enumerate(zip((0, *counts), names, strict=True))
    }
