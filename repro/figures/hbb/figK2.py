"""K2: drop in AUC for each masked feature, at zero as published and replaced in other ways."""

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.explain.problem import Explanation
from repro.figures.captions import ZERO_LABEL
from repro.figures.context import Context
from repro.figures.drawing import figure_without_jets, footer, new_figure
from repro.figures.feature_bars import feature_axes, kind_handles
from repro.figures.feature_sets import features_of
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, feature_drops, masked_scores
from repro.figures.rankings import bars_of, placed
from repro.figures.replacements import REPLACEMENTS, compared_rows, replacement_drops
from repro.metrics.agreement import Ranking, agreement
from repro.metrics.correlated import draw_numbers
from repro.results.document import Result, named

__all__ = ["compute", "render"]

_DRAWS = 300
_LINEAR = 0.01
# Bars are the drops at zero; the others are points over them.
_MARKS = {
    "mean": ("o", "#bd1f01", "the mean"),
    "permutation": ("s", "#2f7d4f", "shuffled among tracks, or vertices"),
    "conditional": ("^", "#1f4e96", "exchanged among those alike in the rest"),
}
_TITLES = {"tracks": "features of tracks", "vertices": "features of vertices"}
_COMPARED = (
    "Zero is published; it is computed on all jets (delta_auc), and with the other replacements on "
    "{:,} of them. The others leave empty slots empty. kendall_tau says how far two replacements "
    "agree about the order of all 44 features; their errors are drawn as if independent, although "
    "the jets are the same."
)
_CAPTION = (
    "Bars: AUC in per cent, minus that with the feature at zero in all slots, of all jets. Points: "
    "replaced otherwise where there is a track or vertex, on {:,} jets; no intervals are drawn for "
    "them. Linear between −0.01 and 0.01, logarithmic beyond."
)


def compute(context: Context) -> Result:
    """Replace each feature by zero, by its mean, by values of others, and by fitting values."""
    if not context.record:
        return needs_jets(context, "hbb/figK2")
    tagger = context.tagger(FAMILY)
    scores, found = masked_scores(context), replacement_drops(context)
    compared = len(compared_rows(len(scores.labels), context.settings.seed))
    values: dict[str, Any] = {
        "delta_auc": bars_of(feature_drops(context), "all"),
        "replacements": {name: placed(one, "all") for name, one in found.items()},
        "fidelity": {
            name: named(one.names, one.details["fidelity"]) for name, one in found.items()
        },
        "kendall_tau": _agreements(found, context.settings.seed),
    }
    return scores.result(
        context,
        "hbb/figK2",
        tagger,
        values,
        settings={"replacements": REPLACEMENTS, "compared_jets": compared},
        notes=[_COMPARED.format(compared), NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw bars of the published drops, with points for the other replacements."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(11.4, 8.6)
    panels = figure.subplots(1, 2)
    for axes, (kind, title) in zip(panels, _TITLES.items(), strict=True):
        names = features_of(kind)
        feature_axes(axes, result, "delta_auc", names, _LINEAR)
        _draw_marks(axes, result, names)
        axes.set_title(title)
        axes.set_xlabel(ZERO_LABEL)
    # Rows as high as those beside them; below is room for the legend.
    vertices = panels[1]
    vertices.set_ylim(panels[0].get_ylim())
    vertices.legend(handles=kind_handles(vertices), loc="lower right")
    footer(figure, result, _CAPTION.format(result.settings["compared_jets"]))
    return figure


def _agreements(found: dict[str, Explanation], seed: int) -> dict[str, Any]:
    """Return τ of the orders by each two replacements, with its interval."""
    generator = np.random.default_rng(seed)
    orders = {}
    for name, one in found.items():
        numbers = one.panels["all"]
        drawn = draw_numbers(numbers, generator, _DRAWS)
        orders[name] = Ranking(np.vstack([numbers.value, drawn]))
    return {
        f"{first}_{second}": agreement(orders[first], orders[second])
        for first, second in itertools.combinations(REPLACEMENTS, 2)
    }


def _draw_marks(axes: Axes, result: Result, names: tuple[str, ...]) -> None:
    low, high = axes.get_xlim()
    for name, (marker, colour, label) in _MARKS.items():
        entries = result.values["replacements"][name]
        shown = [2 * entries[feature]["value"] for feature in names]
        low, high = min(low, *shown), max(high, *shown)
        axes.plot(
            [entries[feature]["value"] for feature in names],
            np.arange(len(names)),
            marker,
            mfc="none",
            mec=colour,
            mew=1.1,
            ms=4.5,
            label=label,
        )
    axes.set_xlim(low, high)
