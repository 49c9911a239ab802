"""Pictures of neuron activation patterns, which several models have: two-sided, and differences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.explain.problem import Explanation
from repro.figures.drawing import footer, name_columns, new_figure
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.metrics.ranks import largest
from repro.results.document import Result

__all__ = ["draw_patterns", "pattern_values"]

_CAPTION = (
    "RNA, relative neuron activity: what a node gives for all jets of a class together, divided by "
    "that of the most active node of its layer. Left: QCD jets to the left in each layer, in blue, "
    "and top jets to the right, in red. Grey: the layer has fewer nodes."
)


def pattern_values(found: Explanation) -> dict[str, Any]:
    """Return relative neuron activities by layer, their differences, and sparsities.

    Args:
        found: Of :func:`repro.explain.activation_patterns.explain_by_activation_patterns`.
    """
    sizes = found.details["layers"]
    return {
        "layers": sizes,
        "sparsity": {
            name: {"value": float(entry.value), "interval": [float(entry.low), float(entry.high)]}
            for name, entry in found.details["sparsity"].items()
        },
        "rna": {name: _by_layer(found.panels[name].value, sizes) for name in ("qcd", "top")},
        "difference": _by_layer(found.panels["difference"].value, sizes),
        "largest_difference": _largest(found.panels["difference"], sizes),
    }


def draw_patterns(result: Result, parts: Mapping[str, Mapping[str, Any]] | None = None) -> Figure:
    """Draw one column per layer: QCD as -RNA to the left, top as +RNA to the right.

    Nodes are sorted by their activity for top jets, most active on top; grey is no node.  Blue is
    QCD and red is top, as in the paper's figures of this kind, and in those alone.

    Args:
        result: Gives title and footer.
        parts: The networks of a model by name, as :func:`pattern_values` returns them; by
            default the one that is all of the result's values.
    """
    shown = {"": result.values} if parts is None else parts
    figure = new_figure(10.5, 7.0 if len(shown) == 1 else 5.4 * len(shown))
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=[1.35, 1])
    for (pattern, difference), (name, values) in zip(grid, shown.items(), strict=True):
        _draw_part(pattern, difference, values)
        network = f"{name}: " if name else ""
        pattern.set_title(f"{network}activity of the nodes for either class")
        difference.set_title(f"{network}difference of the classes")
    footer(figure, result, _CAPTION)
    return figure


def _draw_part(pattern: Axes, difference: Axes, values: Mapping[str, Any]) -> None:
    qcd, top = values["rna"]["qcd"], values["rna"]["top"]
    order = {layer: np.argsort(-np.array(top[layer]), kind="stable") for layer in top}
    tallest = max(values["layers"])
    halves = []
    for layer, nodes in order.items():
        halves += [
            _column(-np.array(qcd[layer])[nodes], tallest),
            _column(np.array(top[layer])[nodes], tallest),
        ]
    _draw(pattern, np.column_stack(halves), "RdBu_r", (-1, 1), "−RNA of QCD jets, +RNA of top jets")
    changes = [
        _column(np.array(values["difference"][layer])[nodes], tallest)
        for layer, nodes in order.items()
    ]
    label = "|RNA of top jets − RNA of QCD jets|"
    _draw(difference, np.column_stack(changes), "Reds", (0, 1), label)
    # The names of the layers stand below their two halves.
    name_columns(pattern, ["QCD\n", "top\n"] * len(order))
    for i in range(len(order)):
        pattern.annotate(
            f"layer {i + 1}",
            (2 * i + 0.5, 0),
            (0, -18),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="top",
        )
    name_columns(difference, [f"layer {i + 1}" for i in range(len(order))])
    for axes, step in ((pattern, 2), (difference, 1)):
        for edge in range(1, len(order)):
            axes.axvline(step * edge - 0.5, color="black", lw=0.9)
        axes.set_ylabel("node of the layer, the most active for top jets first")


def _by_layer(numbers: NDArray[np.float64], sizes: list[int]) -> dict[str, list[float]]:
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    return {f"layer{i + 1}": part.tolist() for i, part in enumerate(parts)}


def _largest(difference: Intervals, sizes: list[int]) -> dict[str, Interval]:
    """Return the largest difference of each layer, whose interval knows that it was chosen."""
    return {
        f"layer{layer}": largest(difference.take(np.arange(end - size, end)))
        for layer, (size, end) in enumerate(zip(sizes, np.cumsum(sizes), strict=True), start=1)
    }


def _column(values: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    column = np.full(height, np.nan)
    column[: len(values)] = values
    return column


def _draw(
    axes: Axes,
    columns: NDArray[np.float64],
    colours: str,
    limits: tuple[float, float],
    label: str,
) -> None:
    axes.set_facecolor("#b0b0b0")
    image = axes.imshow(
        columns, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto", interpolation="none"
    )
    axes.figure.colorbar(image, ax=axes, label=label, aspect=30)
