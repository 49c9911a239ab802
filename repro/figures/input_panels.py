"""Panels of input distributions: a scatter matrix of tracks, qualities, scatters of vertices."""

import itertools
from collections.abc import Mapping
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from repro.figures.drawing import CLASS_COLOURS, CLASS_MARKERS, footer, new_figure
from repro.figures.input_distributions import TRACKS
from repro.figures.interaction import CLASSES
from repro.figures.labels import CLASS_LABELS
from repro.results.document import Result

__all__ = ["draw_inputs"]

_QUALITY, _FLAG = "track_quality", (0.0, 6.5)
_VERTEX_PAIRS = (("sv_ptrel", "sv_pt"), ("sv_ptrel", "sv_erel"))


def draw_inputs(result: Result, caption: str) -> Figure:
    """Draw the scatter matrix; beside it the histogram and the two scatters of vertices."""
    figure = new_figure(14.0, 9.6)
    left, right = cast("list[SubFigure]", figure.subfigures(1, 2, width_ratios=[2.5, 1]))
    grid = left.subplots(len(TRACKS), len(TRACKS))
    for (row, y), (column, x) in itertools.product(enumerate(TRACKS), repeat=2):
        _draw_cell(grid[row, column], result, x, y, above=column > row)
        if row == len(TRACKS) - 1:
            grid[row, column].set_xlabel(x, fontsize=8.5)
        if column == 0:
            grid[row, column].set_ylabel(y, fontsize=8.5)
    above, *below = right.subplots(3, 1)
    _draw_qualities(above, result)
    for axes, pair in zip(below, _VERTEX_PAIRS, strict=True):
        _draw_vertices(axes, result, *pair)
    footer(figure, result, caption)
    return figure


def _draw_cell(axes: Axes, result: Result, x: str, y: str, *, above: bool) -> None:
    """Draw a cell of the scatter matrix: histograms on the diagonal, correlations above it."""
    if above:
        _write_intervals(axes, result, x, y)
        return
    points = {name: result.values["points"][name]["tracks"] for name in CLASSES}
    if x == y:
        both = np.concatenate([points[name][x] for name in CLASSES])
        ends = _FLAG if x == _QUALITY else (float(both.min()), float(both.max()) or 1.0)
        bins = np.linspace(*ends, 27).tolist()
        for name in CLASSES:
            axes.hist(
                points[name][x],
                bins=bins,
                histtype="step",
                color=CLASS_COLOURS[name],
                ls="-" if name == "qcd" else "--",
                label=CLASS_LABELS[name],
            )
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        axes.tick_params(axis="y", which="both", labelleft=False)
    else:
        _scatter(axes, points, x, y)
    if x == _QUALITY:
        axes.set_xlim(_FLAG)
    if y == _QUALITY and x != y:
        axes.set_ylim(_FLAG)
    axes.tick_params(labelsize=6.5)


def _write_intervals(axes: Axes, result: Result, x: str, y: str) -> None:
    """Write both classes' correlation, with its interval, into a cell without points."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.minorticks_off()
    for name, height in (("qcd", 0.64), ("hbb", 0.36)):
        entry = result.values["correlation"][name][x][y]
        text = "constant"
        if entry and entry["value"] is not None:
            low, high = entry["interval"]
            text = f"{entry['value']:.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")
        axes.text(
            0.5,
            height,
            text,
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=8.5,
            color=CLASS_COLOURS[name],
        )


def _draw_qualities(axes: Axes, result: Result) -> None:
    counts: Mapping[str, Mapping[str, int]] = result.values["qualities"]
    shown = sorted({value for of_class in counts.values() for value in of_class}, key=float)
    places = np.arange(len(shown))
    for name, shift, hatch in (("qcd", -0.2, ""), ("hbb", 0.2, "////")):
        total = sum(counts[name].values())
        axes.bar(
            places + shift,
            [counts[name].get(value, 0) / total for value in shown],
            width=0.38,
            facecolor="none" if hatch else CLASS_COLOURS[name],
            edgecolor=CLASS_COLOURS[name],
            hatch=hatch,
            label=CLASS_LABELS[name],
        )
    axes.set_xticks(places, shown)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_ylim(0, 1)
    axes.set_xlabel("track_quality")
    axes.set_ylabel("share of the 60 slots")
    axes.legend(loc="upper right", ncols=2)


def _draw_vertices(axes: Axes, result: Result, x: str, y: str) -> None:
    points = {name: result.values["points"][name]["vertices"] for name in CLASSES}
    _scatter(axes, points, x, y)
    _write_correlations(axes, result, x, y)
    wedges = [wedge for wedge in result.values["wedge"].values() if wedge]
    if y == "sv_pt" and wedges:
        longest = max(max(points[name][x], default=0.0) for name in CLASSES)
        for slope in _ends(wedges):
            axes.plot([0, longest], [0, slope * longest], color="black", lw=0.9, ls="--")
    axes.set_xlabel(x)
    axes.set_ylabel(f"{y} [GeV]" if y == "sv_pt" else y)


def _ends(wedges: list[Mapping[str, Mapping[str, float]]]) -> tuple[float, float]:
    """Return the slopes between which nearly all vertices of both classes lie."""
    lows, highs = ([wedge[name]["value"] for wedge in wedges] for name in ("low", "high"))
    return min(lows), max(highs)


def _scatter(axes: Axes, points: Mapping[str, Mapping[str, list[float]]], x: str, y: str) -> None:
    for name in CLASSES:
        axes.plot(
            points[name][x],
            points[name][y],
            CLASS_MARKERS[name],
            color=CLASS_COLOURS[name],
            ms=1.8,
            mew=0,
            alpha=0.45,
            rasterized=True,
        )


def _write_correlations(axes: Axes, result: Result, x: str, y: str) -> None:
    for name, height in (("qcd", 0.97), ("hbb", 0.86)):
        entry = result.values["correlation"][name][x][y]
        if entry and entry["value"] is not None:
            axes.text(
                0.04,
                height,
                f"{entry['value']:.2f}".replace("-", "−"),
                transform=axes.transAxes,
                ha="left",
                va="top",
                fontsize=8.5,
                color=CLASS_COLOURS[name],
            )
