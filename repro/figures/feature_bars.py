"""Bars of the features of tracks and of vertices, apart and in one ranking."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from repro.figures.drawing import footer, name_rows, new_figure, stated
from repro.figures.feature_sets import features_of
from repro.results.document import Result, look_up

__all__ = ["KIND_COLOURS", "feature_axes", "feature_panels", "kind_handles"]

KIND_COLOURS = {"tracks": "#3f7f93", "vertices": "#d08a2c"}
"""Teal and ochre: not those of the classes; vertices are hatched as well."""

_HATCHES = {"tracks": "", "vertices": "////"}
_TITLES = {
    "tracks": "features of tracks",
    "vertices": "features of vertices",
    "both": "all features, largest first",
}
_ROW = 0.2
# In the place of the features that do nothing: the covariances of the tracks.
_LEGEND = (0.99, 0.4)


def feature_panels(result: Result, path: str, label: str, caption: str, linear: float) -> Figure:
    """Draw one number for each feature: of tracks, of vertices, and of all in one ranking.

    Args:
        result: Holds the numbers and the claims.
        path: Dotted path of the numbers by feature.
        label: Label of the x axes.
        caption: What a reader has to know of the numbers.
        linear: The scale is linear up to this number, and logarithmic beyond.
    """
    entries = look_up(result.values, path)
    rows = {kind: features_of(kind) for kind in _TITLES}
    rows["both"] = tuple(sorted(rows["both"], key=lambda name: -entries[name]["value"]))
    figure = new_figure(11.4, 2.2 + _ROW * len(rows["both"]))
    grid = figure.add_gridspec(2, 2, height_ratios=[len(rows["tracks"]), len(rows["vertices"])])
    places = {"tracks": grid[0, 0], "vertices": grid[1, 0], "both": grid[:, 1]}
    axes: Axes | None = None
    for kind, names in reversed(rows.items()):
        axes = figure.add_subplot(places[kind], sharex=axes)
        feature_axes(axes, result, path, names, linear)
        axes.set_title(_TITLES[kind])
        if kind != "tracks":
            axes.set_xlabel(label)
        if kind == "tracks":
            axes.legend(handles=kind_handles(axes), loc="center right", bbox_to_anchor=_LEGEND)
    footer(figure, result, caption)
    return figure


def feature_axes(
    axes: Axes, result: Result, path: str, names: tuple[str, ...], linear: float
) -> None:
    """Draw one horizontal bar for each of some features, with intervals and the authors' numbers.

    Args:
        axes: Where to draw.
        result: Holds the numbers and the claims.
        path: Dotted path of the numbers by feature.
        names: Of the features, from top to bottom.
        linear: The scale is linear up to this number, and logarithmic beyond.
    """
    entries: dict[str, Any] = look_up(result.values, path)
    values = np.array([entries[name]["value"] for name in names])
    ends = np.array([entries[name]["interval"] for name in names], float)
    positions = np.arange(len(names))
    for kind, colour in KIND_COLOURS.items():
        mine = np.isin(names, features_of(kind))
        axes.barh(
            positions[mine],
            values[mine],
            height=0.74,
            facecolor=to_rgba(colour, 0.55),
            edgecolor=colour,
            hatch=_HATCHES[kind],
            linewidth=0.9,
        )
    axes.errorbar(
        values,
        positions,
        xerr=np.abs(ends.T - values),
        fmt="none",
        ecolor="black",
        lw=0.9,
        capsize=1.5,
        label="95 % interval",
    )
    known = _draw_stated(axes, result, path, names)
    name_rows(axes, names)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_axisbelow(True)
    axes.set_xscale("symlog", linthresh=linear, linscale=0.8)
    shown = np.concatenate([ends.ravel(), known, [linear, 0.0]])
    # A third of a decade of room beyond what is drawn.
    axes.set_xlim(2 * float(shown.min()), 2 * float(shown.max()))


def kind_handles(axes: Axes) -> list[Artist]:
    """Return what a legend lists: both kinds of bars, and what else of the axes has a label."""
    kinds = [
        Patch(facecolor=to_rgba(colour, 0.55), edgecolor=colour, hatch=_HATCHES[kind], label=kind)
        for kind, colour in KIND_COLOURS.items()
    ]
    return [*kinds, *axes.get_legend_handles_labels()[0]]


def _draw_stated(
    axes: Axes, result: Result, path: str, names: tuple[str, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Draw the authors' numbers as diamonds; those known as an interval, as its two ends."""
    points = [
        (value, names.index(name))
        for name, found in stated(result, path).items()
        if name in names
        for value in (found if isinstance(found, list) else [found])
    ]
    x, y = np.array(points, float).reshape(-1, 2).T
    if len(x):
        axes.plot(x, y, "D", mfc="white", mec="black", mew=0.8, ms=3.6, label="the authors'")
    return x
