"""F10: neural activation patterns of the baseline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.arrays import FloatArray
from repro.explain.activation_patterns import (
    QUIET,
    ActivityCounter,
    relative_activity,
    sparsity,
)
from repro.explain.problem import Explanation
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.drawing import footer, name_columns, new_figure
from repro.figures.interaction import (
    CLASSES,
    FAMILY,
    artificial_in_words,
    result_of_weights,
    rows_of,
)
from repro.models.interaction_network import LAYERS
from repro.models.scores import score
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "render"]

_JETS = 400
_KINDS = {"weighted": False, "unweighted": True}
_TITLES = {
    "weighted": "activations weighted, as summed",
    "unweighted": "unweighted: activations counted where they are not zero",
}
_CAPTION = (
    f"The baseline. Not the paper's jets but artificial ones: {ARTIFICIAL}, random numbers, which "
    "have no class. "
    "In the place of QCD jets is the half that the network holds the less for H to bb, in "
    "the place of Higgs jets the other half. RNA, relative neuron activity: the sum of "
    "a node's activations over all edges or slots of all jets of a class, divided by that of the "
    "most active node of its layer. Left half of each layer: −RNA of the first, in blue; right "
    "half: +RNA of the second, in red. Black: the layer has fewer nodes."
)


def compute(context: Context) -> Result:
    """Sum the baseline's activations over four known jets, and draw patterns of artificial ones."""
    tagger = context.tagger(FAMILY)
    values: dict[str, Any] = {
        "golden": {kind: _golden(context, tagger, fired=_KINDS[kind]) for kind in _KINDS},
        "artificial": _patterns(context, tagger),
    }
    return result_of_weights(
        context,
        "hbb/fig10",
        tagger,
        values,
        settings={"artificial_jets": _JETS, "quiet": QUIET},
        notes=["The patterns are those of artificial jets: their classes are the network's own."],
    )


def render(result: Result) -> Figure:
    """Draw both kinds of activity: the pattern as published, and |RNA difference|."""
    shown = result.values["artificial"]
    figure = new_figure(11.5, 9.6)
    grid = figure.subplots(len(shown), 2, width_ratios=[1.5, 1])
    for (pattern, difference), (kind, values) in zip(grid, shown.items(), strict=True):
        _draw_pattern(pattern, values["rna"])
        _draw_difference(difference, values["difference"])
        pattern.set_title(f"artificial jets, {_TITLES[kind]}")
        difference.set_title("difference of the two halves")
    about = artificial_in_words(result, result.settings["artificial_jets"])
    footer(figure, result, _CAPTION, about)
    return figure


def _golden(context: Context, tagger: Tagger, *, fired: bool) -> dict[str, dict[str, Any]]:
    """Return by layer the most active node, its sum, and the number of quiet nodes.

    All four wave jets are one sample.
    """
    rows = torch.from_numpy(rows_of(tagger, *wave_jets())).to(context.device)
    summed: Callable[..., Any] = tagger.network.to(context.device).summed_activations  # type: ignore[assignment]
    totals = {
        layer: found.sum(dim=0).double().cpu().numpy()
        for layer, found in zip(LAYERS, summed(rows, fired=fired), strict=True)
    }
    quiet = {
        layer: round(len(total) * float(sparsity(relative_activity(total, [len(total)]))))
        for layer, total in totals.items()
    }
    return {
        "quiet": {**quiet, "total": sum(quiet.values())},
        "argmax": {layer: int(total.argmax()) for layer, total in totals.items()},
        "largest": {layer: float(total.max()) for layer, total in totals.items()},
    }


def _patterns(context: Context, tagger: Tagger) -> dict[str, dict[str, Any]]:
    """Return activities of both halves of artificial jets, by kind of activity."""
    rows = rows_of(tagger, *artificial_jets(_JETS, context.settings.seed))
    scores = score(tagger, rows, context.device)
    labels = np.zeros(len(scores), np.int64)
    labels[np.argsort(scores, kind="stable")[len(scores) // 2 :]] = 1
    found = {}
    for kind, fired in _KINDS.items():
        counter = ActivityCounter(tagger.network, context.device, fired=fired)
        counter.add(rows, labels)
        found[kind] = _pattern(counter.explain(CLASSES, context.settings.seed))
    return found


def _pattern(found: Explanation) -> dict[str, Any]:
    sizes = found.details["layers"]
    return {
        "rna": {name: _by_layer(found.panels[name].value, sizes) for name in CLASSES},
        "difference": _by_layer(found.panels["difference"].value, sizes),
    }


def _by_layer(numbers: FloatArray, sizes: list[int]) -> dict[str, list[float]]:
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    return {layer: part.tolist() for layer, part in zip(LAYERS, parts, strict=True)}


@dataclass(frozen=True)
class _Scale:
    """How cells are coloured: a colour map, its ends, and its label."""

    colours: str
    ends: tuple[float, float]
    label: str


_ACTIVITY = _Scale("bwr", (-1, 1), "−RNA, left half         +RNA, right half")
_DIFFERENCE = _Scale("Reds", (0, 1), "|RNA difference|")


def _draw_pattern(axes: Axes, rna: Mapping[str, Mapping[str, list[float]]]) -> None:
    first, second = (rna[name] for name in CLASSES)
    columns = [
        column for layer in LAYERS for column in (-np.array(first[layer]), np.array(second[layer]))
    ]
    _draw(axes, columns, _ACTIVITY)


def _draw_difference(axes: Axes, difference: Mapping[str, list[float]]) -> None:
    _draw(axes, [np.array(difference[layer]) for layer in LAYERS], _DIFFERENCE)


def _draw(axes: Axes, columns: list[FloatArray], scale: _Scale) -> None:
    """Draw columns of nodes, equally many for each layer; what is no node is black."""
    cells = np.full((max(map(len, columns)), len(columns)), np.nan)
    for position, column in enumerate(columns):
        cells[: len(column), position] = column
    palette = mpl.colormaps[scale.colours].with_extremes(bad="black")
    least, most = scale.ends
    image = axes.imshow(cells, cmap=palette, vmin=least, vmax=most, aspect="auto")
    axes.figure.colorbar(image, ax=axes, label=scale.label, aspect=30)
    width = len(columns) // len(LAYERS)
    name_columns(axes, [""] * len(columns))
    axes.set_xticks(np.arange(len(LAYERS)) * width + (width - 1) / 2, LAYERS, rotation=45)
    for edge in range(1, len(LAYERS)):
        axes.axvline(width * edge - 0.5, color="#444444", lw=0.9)
    axes.set_ylabel("node of the layer")
