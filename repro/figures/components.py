"""Pictures of principal components of latent spaces: distributions, planes, what they follow."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from repro.figures.distributions import draw_histograms
from repro.figures.drawing import CLASS_COLOURS, CLASS_MARKERS, footer, new_figure
from repro.figures.heatmaps import draw_matrix, name_scale
from repro.figures.labels import symbol
from repro.results.document import Result

__all__ = ["draw_component_correlations", "draw_components"]


_SMALL = 7
_CAPTION = (
    "Histograms: jets per bin, over the middle 99 % of each class, on a linear scale from zero. "
    "The components hold 99 % of the variance of both classes together; their signs mean nothing."
)
_CORRELATIONS_ABOUT = (
    "PC: principal component of the latent space, counted from 0; the first {} are shown. Their "
    "signs mean nothing: compare absolute values."
)
_POINTS_ABOUT = "Points: {} jets of each class."


def draw_components(
    result: Result, values: Mapping[str, Any], title: str, columns: int = 8
) -> Figure:
    """Draw the histogram of each component, and then the planes of pairs of them."""
    histograms, planes = values["histograms"], values["planes"]
    rows = -(-(len(histograms) + 1) // columns)
    lower = 2.6 if planes else 0.01
    figure = new_figure(1.75 * columns, 1.35 * rows + lower + 0.8)
    parts = figure.subfigures(2, 1, height_ratios=[1.35 * rows, lower], squeeze=False)
    upper, planes_part = parts[:, 0]
    panels = upper.subplots(rows, columns, squeeze=False).flat
    for axes, (name, classes) in zip(panels, histograms.items(), strict=False):
        draw_histograms(axes, classes, "")
        # Inside, or the labels of one row would take the place of the next one's panels.
        axes.set_title(symbol(name), x=0.95, y=0.93, ha="right", va="top", pad=0)
        axes.set_ylabel("")
        axes.set_yticks([])
        axes.tick_params(axis="y", which="both", left=False, right=False)
        axes.minorticks_off()
        axes.tick_params(axis="x", top=False, length=3, labelsize=_SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
        axes.margins(y=0.12)
    for axes in upper.axes[len(histograms) :]:
        axes.set_axis_off()
    handles, labels = upper.axes[0].get_legend_handles_labels()
    upper.axes[-1].legend(handles, labels, loc="center", fontsize=10)
    if planes:
        _draw_planes(planes_part, values["points"], planes)
    shown = len(next(iter(values["points"]["top"].values()))) if planes else 0
    points = f" {_POINTS_ABOUT.format(f'{shown:,}')}" if planes else ""
    footer(figure, result, _CAPTION + points)
    if title:
        figure.suptitle(f"{result.title}: {title}")
    return figure


def draw_component_correlations(
    result: Result, tables: Mapping[str, Mapping[str, Mapping[str, Any]]], most: int = 20
) -> Figure:
    """Draw components against jet quantities, one heat map for each class and each model."""
    rows = -(-len(tables) // 2)
    figure = new_figure(14, (0.27 * most + 0.8) * rows + 0.9)
    grid = figure.subplots(rows, 2, squeeze=False).flat
    for axes, (title, table) in zip(grid, tables.items(), strict=True):
        shown = dict(list(table.items())[:most])
        image = draw_matrix(axes, shown, _SMALL, "auto")
        axes.set_title(title)
    scale = figure.colorbar(image, ax=figure.axes, shrink=0.8, aspect=40)
    name_scale(scale, "Pearson correlation")
    footer(figure, result, _CORRELATIONS_ABOUT.format(most))
    return figure


def _draw_planes(
    part: SubFigure, points: Mapping[str, Any], planes: Sequence[Sequence[int]]
) -> None:
    for axes, (first, second) in zip(
        part.subplots(1, len(planes), squeeze=False).flat, planes, strict=True
    ):
        for name in ("qcd", "top"):
            axes.plot(
                points[name][f"pc{first}"],
                points[name][f"pc{second}"],
                CLASS_MARKERS[name],
                ms=1.6,
                mew=0,
                alpha=0.6,
                color=CLASS_COLOURS[name],
                rasterized=True,  # thousands of points as paths make large files
            )
        axes.tick_params(labelsize=8)
        axes.set_xlabel(symbol(f"pc{first}"))
        axes.set_ylabel(symbol(f"pc{second}"))
