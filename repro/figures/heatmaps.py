"""Heat maps of correlation matrices, one per class."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from repro.explain.correlation import correlations
from repro.figures.drawing import footer, name_columns, name_rows, new_figure
from repro.figures.labels import CLASS_LABELS, one_decimal, symbol
from repro.metrics.bootstrap import Intervals
from repro.results.document import Result, named

__all__ = ["correlation_values", "draw_correlations", "draw_matrix", "name_scale"]

_FAINT, _STRONG = 0.05, 0.65


def correlation_values(names: Sequence[str], values: NDArray[np.floating]) -> dict[str, Any]:
    """Return Pearson correlations by the names of the two columns.

    Args:
        names: Of the columns.
        values: (n, k).
    """
    numbers = correlations(values)
    return {name: named(names, _row(numbers, i)) for i, name in enumerate(names)}


def draw_correlations(
    result: Result,
    matrices: Mapping[str, Mapping[str, Mapping[str, Any]]],
    caption: str = "",
) -> Figure:
    """Draw one heat map per class, diverging colours, one decimal in each cell."""
    most = max(len(rows) for rows in matrices.values())
    size = 0.27 * most + 0.6
    figure = new_figure(2 * size + 1.2, size + 0.8)
    for axes, (panel, rows) in zip(figure.subplots(1, 2), matrices.items(), strict=True):
        image = draw_matrix(axes, rows, 6.5)
        axes.set_title(CLASS_LABELS[panel])
    scale = figure.colorbar(image, ax=figure.axes, shrink=0.8, aspect=30)
    name_scale(scale, "Pearson correlation")
    footer(figure, result, caption)
    return figure


def name_scale(scale: Colorbar, label: str) -> None:
    """Label the colour bar of numbers from -1 to 1."""
    scale.set_label(label)
    scale.set_ticks(np.linspace(-1, 1, 11).tolist())
    scale.minorticks_off()


def draw_matrix(
    axes: Axes,
    rows: Mapping[str, Mapping[str, Any]],
    size: float,
    aspect: Literal["equal", "auto"] = "equal",
) -> AxesImage:
    """Draw numbers from -1 to 1 as a heat map with one decimal in each cell.

    Args:
        axes: Where to draw.
        rows: Entries with a ``value`` by row and by column.
        size: Of the numbers, in points.
        aspect: Of the cells.

    Returns:
        What a colour bar can be made for.
    """
    cells = [[cell["value"] for cell in row.values()] for row in rows.values()]
    matrix = np.array(cells, float)
    # One colour for each number that is printed.
    colours = mpl.colormaps["RdBu_r"].resampled(21)
    image = axes.imshow(matrix, cmap=colours, vmin=-1.05, vmax=1.05, aspect=aspect)
    name_columns(axes, [symbol(name) for name in next(iter(rows.values()))], 90)
    name_rows(axes, [symbol(name) for name in rows])
    for (i, j), value in np.ndenumerate(matrix):
        if np.isnan(value):
            continue
        colour = "white" if abs(value) > _STRONG else "black"
        faint = "#9a9a9a" if abs(value) < _FAINT else colour
        text = one_decimal(value)
        axes.text(j, i, text, ha="center", va="center", fontsize=size, color=faint)
    return image


def _row(numbers: Intervals, position: int) -> Intervals:
    value, low, high = numbers.value[position], numbers.low[position], numbers.high[position]
    return Intervals(value, low, high, numbers.level)
