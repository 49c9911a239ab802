"""Neuron activation patterns of Interaction Networks: numbers by layer, and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.arrays import FloatArray
from repro.explain.activation_patterns import ActivityCounter
from repro.explain.activity_contrast import ActivityContrast, contrast_classes
from repro.figures.context import Context
from repro.figures.drawing import name_columns
from repro.figures.interaction import CLASSES, rows_of
from repro.metrics.bootstrap import Intervals
from repro.models.scores import score
from repro.models.tagger import Tagger

__all__ = [
    "ARTIFICIAL_CAPTION",
    "ARTIFICIAL_JETS",
    "RNA_CAPTION",
    "artificial_contrast",
    "contrast_values",
    "draw_difference",
    "draw_pattern",
    "outline_values",
    "plain_nodes",
    "values_of_nodes",
]

ARTIFICIAL_JETS = 400
ARTIFICIAL_CAPTION = (
    f"Not the paper's jets but artificial ones: {ARTIFICIAL}, random numbers, which have no class. "
    "In the place of QCD jets is the half that the network holds the less for H to bb, in the "
    "place of Higgs jets the other half."
)
RNA_CAPTION = (
    "RNA, relative neuron activity: the sum of a node's activations over all edges or slots of all "
    "jets of a class, divided by that of the most active node of its layer. Left half of each "
    "layer: −RNA of QCD jets, in blue; right half: +RNA of Higgs jets, in red. Black: the layer "
    "has fewer nodes."
)

_Nodes = Mapping[str, Sequence[float]]
_DIGITS = 4


@dataclass(frozen=True)
class _Scale:
    """How cells are coloured: a colour map, its ends, and its label."""

    colours: str
    ends: tuple[float, float]
    label: str


_ACTIVITY = _Scale("bwr", (-1, 1), "−RNA, left half         +RNA, right half")
_DIFFERENCE = _Scale("Reds", (0, 1), "|RNA difference|")


def artificial_contrast(
    context: Context, tagger: Tagger, *, fired: bool = False
) -> ActivityContrast:
    """Return the activity for two halves of artificial jets, by what the network holds them for.

    Args:
        context: Device and seed.
        tagger: The network.
        fired: Whether activations count as 1 where they are not zero.
    """
    seed = context.settings.seed
    rows = rows_of(tagger, *artificial_jets(ARTIFICIAL_JETS, seed))
    scores = score(tagger, rows, context.device)
    labels = np.zeros(len(scores), np.int64)
    labels[np.argsort(scores, kind="stable")[len(scores) // 2 :]] = 1
    counter = ActivityCounter(
        tagger.network, context.device, fired=fired, padding=not context.settings.corrected
    )
    counter.add(rows, labels)
    return contrast_classes(counter, CLASSES, seed)


def contrast_values(found: ActivityContrast) -> dict[str, Any]:
    """Return all that is known of the activity of a network, with intervals.

    Returns:
        ``rna`` by layer, class and node, ``quiet`` by class and layer, ``correlation`` by layer,
        ``separation``, and the ``largest`` and ``mean`` ``difference`` by layer.
    """
    return {
        "rna": values_of_nodes(found),
        "quiet": found.quiet,
        "correlation": found.correlation,
        "separation": found.separation,
        "difference": {
            "largest": found.largest,
            "mean": found.mean,
        },
    }


def values_of_nodes(found: ActivityContrast) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the RNA of each node with its interval, by layer, class and number of the node."""
    parts = {name: _by_layer(found, numbers) for name, numbers in found.rna.items()}
    return {layer: {name: parts[name][layer] for name in parts} for layer in found.layers}


def outline_values(found: ActivityContrast) -> dict[str, Any]:
    """Return what a small picture needs: RNA by class and layer, rounded; sparsities, correlation.

    The numbers that are claimed have intervals elsewhere.
    """
    return {
        "rna": {
            name: {
                layer: np.round(part, _DIGITS).tolist()
                for layer, part in found.by_layer(numbers.value).items()
            }
            for name, numbers in found.rna.items()
        },
        "sparsity": found.sparsity,
        "correlation": found.correlation,
        "largest_difference": found.largest,
    }


def plain_nodes(rna: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the values alone of what :func:`values_of_nodes` gives, by class and layer."""
    return {
        name: {
            layer: [node["value"] for node in classes[name].values()]
            for layer, classes in rna.items()
        }
        for name in CLASSES
    }


def draw_pattern(
    axes: Axes,
    rna: Mapping[str, _Nodes],
    layers: Sequence[str] = (),
    *,
    with_scale: bool = False,
) -> None:
    """Draw -RNA of the first and +RNA of the second class beside each other, layer by layer.

    Args:
        axes: Where to draw.
        rna: RNA of the nodes by class and layer.
        layers: Which of them; all by default.
        with_scale: Whether a scale of colours stands beside it.
    """
    first, second = (rna[name] for name in CLASSES)
    shown = list(layers or first)
    halves = [
        half for layer in shown for half in (-np.array(first[layer]), np.array(second[layer]))
    ]
    _draw(axes, halves, shown, _ACTIVITY, with_scale=with_scale)


def draw_difference(
    axes: Axes,
    rna: Mapping[str, _Nodes],
    layers: Sequence[str] = (),
    *,
    with_scale: bool = False,
) -> None:
    """Draw |RNA of the second - RNA of the first class|, see :func:`draw_pattern`."""
    first, second = (rna[name] for name in CLASSES)
    shown = list(layers or first)
    gaps = [np.abs(np.subtract(second[layer], first[layer])) for layer in shown]
    _draw(axes, gaps, shown, _DIFFERENCE, with_scale=with_scale)


def _by_layer(found: ActivityContrast, numbers: Intervals) -> dict[str, dict[str, Any]]:
    parts = [found.by_layer(ends) for ends in (numbers.value, numbers.low, numbers.high)]
    return {
        layer: {
            str(node): {"value": value, "interval": [low, high]}
            for node, (value, low, high) in enumerate(
                zip(*(part[layer].tolist() for part in parts), strict=True)
            )
        }
        for layer in found.layers
    }


def _draw(
    axes: Axes,
    columns: Sequence[FloatArray],
    layers: Sequence[str],
    scale: _Scale,
    *,
    with_scale: bool,
) -> None:
    """Draw columns of nodes, equally many for each layer; what is no node is black."""
    cells: NDArray[np.float64] = np.full((max(map(len, columns)), len(columns)), np.nan)
    for position, column in enumerate(columns):
        cells[: len(column), position] = column
    palette = mpl.colormaps[scale.colours].with_extremes(bad="black")
    least, most = scale.ends
    image = axes.imshow(cells, cmap=palette, vmin=least, vmax=most, aspect="auto")
    width = len(columns) // len(layers)
    name_columns(axes, [""] * len(columns))
    axes.set_xticks(np.arange(len(layers)) * width + (width - 1) / 2, layers, rotation=45)
    for edge in range(1, len(layers)):
        axes.axvline(width * edge - 0.5, color="#444444", lw=0.9)
    if with_scale:
        axes.figure.colorbar(image, ax=axes, label=scale.label, aspect=30)
