"""Heat maps of correlation matrices, one per class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.explain.correlation import correlations
from repro.figures.drawing import CLASS_LABELS, footer, new_figure, symbol
from repro.metrics.bootstrap import Intervals
from repro.results.document import Result, named

__all__ = ["correlation_values", "draw_correlations"]


def correlation_values(names: Sequence[str], values: NDArray[np.floating]) -> dict[str, Any]:
    """Return Pearson correlations by the names of the two columns.

    Args:
        names: Of the columns.
        values: (n, k).
    """
    numbers = correlations(values)
    return {name: named(names, _row(numbers, i)) for i, name in enumerate(names)}


def draw_correlations(
    result: Result, matrices: Mapping[str, Mapping[str, Mapping[str, Any]]], size: float = 9
) -> Figure:
    """Draw one heat map per class, diverging colours, one decimal in each cell."""
    figure = new_figure(2 * size, size)
    for axes, (panel, rows) in zip(figure.subplots(1, 2), matrices.items(), strict=True):
        matrix = np.array(
            [[cell["value"] for cell in row.values()] for row in rows.values()], float
        )
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        labels = [symbol(name) for name in rows]
        axes.set_xticks(range(len(labels)), labels, rotation=90)
        axes.set_yticks(range(len(labels)), labels)
        for (i, j), value in np.ndenumerate(matrix):
            axes.text(
                j,
                i,
                f"{value:.1f}",
                ha="center",
                va="center",
                fontsize=5.5,
                color="white" if abs(value) > 0.6 else "black",
            )
        axes.set_title(CLASS_LABELS[panel])
    figure.colorbar(image, ax=figure.axes, shrink=0.7, label="Pearson correlation")
    footer(figure, result)
    return figure


def _row(numbers: Intervals, position: int) -> Intervals:
    value, low, high = numbers.value[position], numbers.low[position], numbers.high[position]
    return Intervals(value, low, high, numbers.level)
