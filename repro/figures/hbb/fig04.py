"""F4: ROC and precision-recall curves, one for each masked feature."""

from typing import Any

from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.curves import Look, areas_of, curves_of, draw_precision, draw_roc, looks_of
from repro.figures.drawing import figure_without_jets, footer, new_figure
from repro.figures.feature_sets import features_of
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, masked_scores
from repro.results.document import Result

__all__ = ["compute", "render"]

BASELINE = "baseline"
# Curves that a reader can tell apart; the others lie near the baseline.
_NAMED = 8
_KINDS = {"tracks": "one feature of all tracks masked", "vertices": "one of all vertices masked"}
_OTHER = "#b4b4b4"
_CAPTION = (
    "The feature at zero in all slots. In colour are the features whose masking costs most AUC, "
    "largest loss first, with the area under the curve; grey: all others. Dotted: a coin."
)


def compute(context: Context) -> Result:
    """Mask each feature of tracks and vertices, and take the areas under both curves."""
    if not context.record:
        return needs_jets(context, "hbb/fig4")
    tagger = context.tagger(FAMILY)
    scores = masked_scores(context)
    names = {BASELINE: "", **{name: name for name in features_of("both")}}
    areas = {name: areas_of(scores.of(mask), scores.labels) for name, mask in names.items()}
    values: dict[str, Any] = {
        "auc": {name: found["auc"] for name, found in areas.items()},
        "pr_auc": {name: found["pr_auc"] for name, found in areas.items()},
        "curves": {name: curves_of(scores.of(mask), scores.labels) for name, mask in names.items()},
    }
    return scores.result(
        context,
        "hbb/fig4",
        tagger,
        values,
        notes=[NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw four panels: tracks and vertices, ROC and precision against recall."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(11.0, 10.6)
    for row, (kind, title) in zip(figure.subplots(2, 2), _KINDS.items(), strict=True):
        order = sorted(features_of(kind), key=lambda name: result.values["auc"][name]["value"])
        # The baseline and the named ones lie on top of the others.
        drawn = [*order[:_NAMED:-1], order[_NAMED], BASELINE, *order[_NAMED - 1 :: -1]]
        curves = {name: result.values["curves"][name] for name in drawn}
        draw_roc(row[0], curves, _looks(result, "auc", order))
        draw_precision(row[1], curves, _looks(result, "pr_auc", order))
        for axes in row:
            axes.set_title(title)
    footer(figure, result, _CAPTION)
    return figure


def _looks(result: Result, area: str, order: list[str]) -> dict[str, Look]:
    labels = {
        name: f"{name} {result.values[area][name]['value']:.2f} %" for name in (BASELINE, *order)
    }
    return {
        BASELINE: Look(
            f"nothing masked {labels[BASELINE].removeprefix(f'{BASELINE} ')}", "black", "-", 1.8
        ),
        **looks_of(order[:_NAMED], labels),
        **{
            name: Look("" if i else "all others", _OTHER, width=0.8)
            for i, name in enumerate(order[_NAMED:])
        },
    }
