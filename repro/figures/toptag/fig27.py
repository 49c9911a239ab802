"""F27: pairs of constituents masked in PFIN: MAD relevance, probability drop, drop in AUC."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.explain.pair_masking import explain_by_pair_masking
from repro.explain.problem import Explanation
from repro.figures.context import Context
from repro.figures.drawing import footer, name_columns, name_rows, new_figure
from repro.figures.latent import explained_sample
from repro.figures.rankings import placed
from repro.figures.stopped import key_of_item
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.metrics.ranks import largest, smallest
from repro.results.document import Result

__all__ = ["compute", "render"]

_COMPUTED, _SHOWN = 10, 5
_PAIRS = tuple(f"{i}_{j}" for i, j in itertools.combinations(range(_SHOWN), 2))
_TITLES = {
    "mad": "MAD relevance",
    "probability_drop": "drop of the probability of the jet's class",
    "delta_auc": "drop in AUC [percentage points]",
}
_PANELS = {
    "mad": "top jets above, QCD jets below",
    "probability_drop": "top jets above, QCD jets below",
    "delta_auc": "all jets",
}
_CAPTION = (
    "What changes when two constituents are masked in the interaction branch of PFIN sum; 0 is the "
    "constituent with the largest $p_T$. As published: all pairs with either of the two are masked "
    "(B10); pair alone: theirs only. Each panel has a scale of its own."
)
_SMALL = 0.01
_MASKS = (
    "As published both constituents of a pair are masked in the whole interaction branch (B10); "
    "'alone' has the pair by itself masked, which was meant."
)
_MEANT = "Each pair is masked by itself, which was meant (B10)."
_LABELS = "The tick labels of the authors' AUC panel are exchanged (B9); pairs are i < j here."


def compute(context: Context) -> Result:
    """Mask each pair of the ten leading constituents, as published and as meant.

    As published on 103,424 jets (B2), relative to each jet's logit (B11), outliers set to zero
    (B4).  Corrected: all jets, relative to the class's mean |logit|, outliers dropped, and the
    pair masked alone is the only version (B10).
    """
    corrected = context.settings.corrected
    outliers, scale = ("dropped", "mean") if corrected else ("zeroed", "jet")
    sample, tagger = explained_sample(context, "pfin"), context.tagger("pfin:sum")
    problem = context.problem(sample, tagger)

    with context.stopped.folder(key_of_item(context, "toptag/fig27")) as folder:

        def mask(*, alone: bool) -> Explanation:
            return explain_by_pair_masking(
                problem,
                slots=_COMPUTED,
                alone=alone,
                scale=scale,
                outliers=outliers,
                checkpoints=folder,
            )

        found = mask(alone=corrected)
        values: dict[str, Any] = {"auc": {"baseline": found.details["auc"]}, **_tables(found)}
        if not corrected:
            values["alone"] = _tables(mask(alone=True))
    return context.result(
        "toptag/fig27",
        sample,
        [tagger],
        values,
        settings=found.settings,
        notes=[_MEANT if corrected else _MASKS, _LABELS],
    )


def render(result: Result) -> Figure:
    """Draw three matrices of the five leading constituents, top above and QCD below the diagonal.

    The upper row is as published, the lower one has the pair alone masked; corrected, there is
    only the latter.
    """
    rows = {"pair alone": result.values}
    if "alone" in result.values:
        rows = {"as published": result.values, "pair alone": result.values["alone"]}
    figure = new_figure(13, 4.3 * len(rows))
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for row, (title, values) in zip(grid, rows.items(), strict=True):
        for axes, (name, label) in zip(row, _TITLES.items(), strict=True):
            table = values[name]
            above, below = (table, {}) if name == "delta_auc" else (table["top"], table["qcd"])
            _draw(axes, above, below, label)
            axes.set_title(f"{title}: {_PANELS[name]}")
    footer(figure, result, _CAPTION)
    return figure


def _tables(found: Explanation) -> dict[str, Any]:
    def table(panel: str) -> dict[str, Any]:
        return placed(found, panel)

    mad = {name: table(name) for name in ("qcd", "top")}
    drops = {name: table(f"probability_drop.{name}") for name in ("qcd", "top")}
    areas = table("delta_auc")
    shown = [found.names.index(pair) for pair in _PAIRS]
    panels = found.panels
    return {
        "mad": {
            **mad,
            "smallest_top_minus_qcd": _smallest_gap(
                panels["top"].take(shown), panels["qcd"].take(shown)
            ),
        },
        "probability_drop": {
            **drops,
            "largest_qcd": largest(panels["probability_drop.qcd"].take(shown)),
            "top_minus_qcd": _smallest_gap(
                panels["probability_drop.top"].take(shown),
                panels["probability_drop.qcd"].take(shown),
            ),
        },
        "delta_auc": {**areas, "smallest": smallest(panels["delta_auc"].take(shown))},
    }


def _smallest_gap(top: Intervals, qcd: Intervals) -> Interval:
    """Return the smallest difference of the classes, which are independent jets."""
    gap = top.value - qcd.value
    margin = np.hypot((top.high - top.low) / 2, (qcd.high - qcd.low) / 2)
    return smallest(Intervals(gap, gap - margin, gap + margin, top.level))


def _draw(axes: Axes, above: Mapping[str, Any], below: Mapping[str, Any], label: str) -> None:
    matrix = np.full((_SHOWN, _SHOWN), np.nan)
    for i, j in itertools.combinations(range(_SHOWN), 2):
        matrix[i, j] = above[f"{i}_{j}"]["value"]
        if below:
            matrix[j, i] = below[f"{i}_{j}"]["value"]
    if np.nanmax(matrix) < _SMALL:
        matrix, label = 1000 * matrix, f"1000 × {label}"
    image = axes.imshow(matrix, cmap="viridis")
    axes.figure.colorbar(image, ax=axes, shrink=0.85, label=label)
    middle = np.nanmin(matrix) + 0.6 * (np.nanmax(matrix) - np.nanmin(matrix))
    cells: Iterable[tuple[tuple[int, ...], float]] = np.ndenumerate(matrix)
    for (i, j), value in cells:
        if not np.isnan(value):
            colour = "black" if value > middle else "white"
            text = f"{value:.2f}"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=10)
    labels = [str(slot) for slot in range(_SHOWN)]
    name_columns(axes, labels)
    name_rows(axes, labels)
    axes.set_xlabel("constituent")
    axes.set_ylabel("constituent")
