"""K5: neural activation pattern of the baseline, its last block larger, and how classes differ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.explain.activation_patterns import QUIET
from repro.explain.activity_contrast import ActivityContrast
from repro.figures.context import Context
from repro.figures.drawing import CLASS_COLOURS, footer, new_figure
from repro.figures.interaction import (
    NO_JETS,
    artificial_in_words,
    from_weights,
    load_each,
    without_jets,
)
from repro.figures.interaction_patterns import (
    ARTIFICIAL_CAPTION,
    ARTIFICIAL_JETS,
    RNA_CAPTION,
    artificial_contrast,
    contrast_values,
    draw_pattern,
    plain_nodes,
)
from repro.figures.record_scores import JETS_OF_PATTERNS, Watched, networks_on_record
from repro.models.cards import BASELINE
from repro.models.interaction_network import LAYERS
from repro.results.document import Result

__all__ = ["compute", "render"]

_ZOOM = LAYERS[-3:]
_CLASSES = {"qcd": ("QCD jets", "qcd", "o"), "hbb": ("Higgs jets", "top", "^")}
_CAPTION = (
    "Bottom: the correlation of the RNA of both classes over the nodes of a layer, and the "
    f"fraction of nodes with an RNA below {QUIET:g}."
)


def compute(context: Context) -> Result:
    """Compare the activity of the baseline for both classes, layer by layer.

    Without jets the classes are halves of artificial ones, and no number of a claim.
    """
    networks, _ = load_each(context)
    baseline = networks[BASELINE]
    alone = from_weights([baseline])
    if not context.record:
        found = artificial_contrast(context, baseline)
        return context.result(
            "hbb/figK5",
            NO_JETS,
            [baseline],
            {"artificial": _values(found)},
            evidence={**without_jets(context), "artificial": alone},
            settings={"artificial_jets": ARTIFICIAL_JETS, "quiet": QUIET},
        )
    scored = networks_on_record(context, networks)
    return context.result(
        "hbb/figK5",
        scored.jets(context),
        [baseline],
        _values(scored.activity[Watched(BASELINE)]),
        evidence={"": scored.evidence(context, alone.own_weights)},
        settings={"quiet": QUIET, "most_jets": JETS_OF_PATTERNS},
    )


def render(result: Result) -> Figure:
    """Draw the pattern of all layers and of the last three, and how alike the classes are."""
    artificial = result.values.get("artificial")
    values = artificial or result.values
    figure = new_figure(11.5, 8.6)
    grid = figure.subplots(2, 2, width_ratios=[1.7, 1], height_ratios=[1.6, 1])
    rna = plain_nodes(values["rna"])
    draw_pattern(grid[0, 0], rna)
    draw_pattern(grid[0, 1], rna, _ZOOM, with_scale=True)
    for axes, title in zip(grid[0], ("all layers", "the last block, larger"), strict=True):
        axes.set_title(f"baseline: {title}")
        axes.set_ylabel("node of the layer")
    _draw_points(grid[1, 0], {"correlation": values["correlation"]}, {})
    grid[1, 0].set_ylabel("correlation of QCD and Higgs")
    grid[1, 0].axhline(0, color="black", lw=0.8)
    _draw_points(grid[1, 1], values["quiet"], _CLASSES)
    grid[1, 1].set_ylabel(f"nodes with an RNA below {QUIET:g}")
    grid[1, 1].set_ylim(0, 1)
    grid[1, 1].legend(loc="upper left")
    caption = f"{RNA_CAPTION} {_CAPTION}"
    if artificial:
        about = artificial_in_words(result, result.settings["artificial_jets"])
        footer(figure, result, f"{ARTIFICIAL_CAPTION} {caption}", about)
    else:
        footer(figure, result, caption)
    return figure


def _values(found: ActivityContrast) -> dict[str, Any]:
    return {"sparsity": found.sparsity, **contrast_values(found)}


def _draw_points(
    axes: Axes,
    series: Mapping[str, Mapping[str, Mapping[str, Any]]],
    looks: Mapping[str, tuple[str, str, str]],
) -> None:
    """Draw a number of each layer with its interval, for each series."""
    for place, (name, numbers) in enumerate(series.items()):
        label, colour, marker = looks.get(name, ("", "all", "o"))
        values = np.array([numbers[layer]["value"] for layer in LAYERS], float)
        ends = np.array([numbers[layer]["interval"] for layer in LAYERS], float).T
        shift = 0.12 * (2 * place - len(series) + 1)
        axes.errorbar(
            np.arange(len(LAYERS)) + shift,
            values,
            yerr=np.abs(ends - values),
            fmt=marker,
            color=CLASS_COLOURS[colour],
            ms=5,
            lw=1.2,
            capsize=2,
            label=label or None,
        )
    axes.set_xticks(range(len(LAYERS)), LAYERS, rotation=45)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
