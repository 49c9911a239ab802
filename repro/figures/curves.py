"""Curves of scores: signal against background efficiency, precision against recall.

A curve of many jets has as many points; kept are those nearest to a grid, each a point of the curve
itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from repro.metrics.intervals import auc_interval
from repro.metrics.percent import in_points
from repro.metrics.precision import pr_auc_interval, precision_recall
from repro.metrics.roc import rank_jets, roc_curve

__all__ = ["Look", "areas_of", "curves_of", "draw_precision", "draw_roc", "looks_of"]

_GRID = 40
_DECADES = -5.0
# Five digits are finer than a pixel.
_DIGITS = 5
# Of mplhep's colours, those that differ in grey from each neighbour; strokes tell the rest apart.
_COLOURS = ("#bd1f01", "#3f90da", "#ffa90e", "#832db6", "#2f7d4f", "#e76300", "#1f4e96", "#a96b59")
_STROKES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Look:
    """How a curve is drawn.

    Attributes:
        label: In the legend; none if empty.
        colour: Of the line.
        stroke: Its style.
        width: In points.
    """

    label: str
    colour: str
    stroke: Any = "-"
    width: float = 1.4


def areas_of(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, Any]:
    """Return the areas under both curves, in per cent, with intervals: ``auc`` and ``pr_auc``.

    Args:
        scores: (n,).
        labels: (n,).
    """
    ranking = rank_jets(scores, labels)
    return {
        "auc": in_points(auc_interval(ranking)),
        "pr_auc": in_points(pr_auc_interval(ranking)),
    }


def curves_of(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, Any]:
    """Return points of both curves, from one end to the other.

    Args:
        scores: (n,).
        labels: (n,).

    >>> curves_of(np.array([0.9, 0.5, 0.1]), np.array([1, 0, 1]))["roc"]["signal"]
    [0.0, 0.5, 0.5, 1.0]
    """
    ranking = rank_jets(scores, labels)
    curve, other = roc_curve(ranking), precision_recall(ranking)
    rates = curve.false_positive_rate, curve.true_positive_rate
    kept = _nearest(*rates)
    return {
        "roc": {
            "background": _short(rates[0][kept]),
            "signal": _short(rates[1][kept]),
        },
        "pr": {
            "recall": _short(other.recall[kept]),
            "precision": _short(other.precision[kept]),
        },
    }


def looks_of(names: Sequence[str], labels: Mapping[str, str]) -> dict[str, Look]:
    """Return looks that tell a few curves apart, also without colours.

    Args:
        names: Of the curves, in the order of the legend.
        labels: What the legend says of each.
    """
    return {
        name: Look(
            labels[name], _COLOURS[i % len(_COLOURS)], _STROKES[i % len(_STROKES)], width=1.3
        )
        for i, name in enumerate(names)
    }


def draw_roc(
    axes: Axes, curves: Mapping[str, Mapping[str, Any]], looks: Mapping[str, Look]
) -> None:
    """Draw signal efficiency against background efficiency, both logarithmic.

    Args:
        axes: Where to draw.
        curves: By name, as :func:`curves_of` returns them; the last ones lie on top.
        looks: By name; the order is that of the legend.
    """
    for name, curve in curves.items():
        background, signal = np.array(curve["roc"]["background"]), np.array(curve["roc"]["signal"])
        _line(axes, background, signal, looks[name])
    axes.plot([1e-5, 1], [1e-5, 1], ":", color="#888888", lw=0.9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1e-5, 1)
    axes.set_ylim(1e-2, 1.3)
    axes.set_xlabel("background efficiency (false positive rate)")
    axes.set_ylabel("signal efficiency (true positive rate)")
    _legend(axes, looks, "lower right")


def draw_precision(
    axes: Axes, curves: Mapping[str, Mapping[str, Any]], looks: Mapping[str, Look]
) -> None:
    """Draw precision against recall; arguments as those of :func:`draw_roc`."""
    for name, curve in curves.items():
        recall, precision = np.array(curve["pr"]["recall"]), np.array(curve["pr"]["precision"])
        _line(axes, recall, precision, looks[name])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("recall (signal efficiency)")
    axes.set_ylabel("precision (share of signal)")
    _legend(axes, looks, "lower left")


def _line(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], look: Look) -> None:
    axes.plot(x, y, color=look.colour, ls=look.stroke, lw=look.width)


def _legend(
    axes: Axes, looks: Mapping[str, Look], where: Literal["lower right", "lower left"]
) -> None:
    shown = [look for look in looks.values() if look.label]
    for look in shown:
        axes.plot([], [], color=look.colour, ls=look.stroke, lw=look.width, label=look.label)
    if shown:
        # Over curves of many tracks, names are still read.
        axes.legend(loc=where, frameon=True, facecolor="white", edgecolor="none", framealpha=0.8)


def _nearest(background: NDArray[np.float64], signal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of the points that are kept: along either axis, and both ends."""
    wanted: list[NDArray[np.int64]] = [
        np.searchsorted(background, np.logspace(_DECADES, 0, _GRID), "left"),
        np.searchsorted(signal, np.linspace(0, 1, _GRID), "left"),
        np.array([0, len(background) - 1]),
    ]
    return np.unique(np.concatenate(wanted).clip(0, len(background) - 1))


def _short(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values]
