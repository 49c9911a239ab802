"""Histograms of both classes, which several figures show: numbers, peaks, pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from repro.figures.drawing import CLASS_COLOURS
from repro.figures.labels import CLASS_LABELS
from repro.metrics.intervals import Interval

__all__ = ["draw_histograms", "histogram_of", "peak_of"]

_DRAWS = 1000
# Hatching tells the classes apart where they overlap, and without colours.
_HATCHES = {"qcd": "", "top": "/////"}
_OPACITY = {"qcd": 0.5, "top": 0.12}


def histogram_of(
    values: NDArray[np.floating], bins: int | Sequence[float] | NDArray[np.float64]
) -> dict[str, Any]:
    """Return counts, edges, mean and quartiles.

    Args:
        values: (n,).
        bins: Number of bins over the range of the values, or the edges of the bins.
    """
    values = values.astype(np.float64)
    counts, edges = np.histogram(values, bins=bins)
    return {
        "counts": counts.tolist(),
        "edges": edges.tolist(),
        "mean": float(values.mean()),
        "quartiles": np.quantile(values, [0.25, 0.5, 0.75]).tolist(),
    }


def peak_of(histogram: Mapping[str, Any], seed: int, level: float = 0.95) -> Interval:
    """Return the centre of the fullest bin, and where repetitions would have it.

    Args:
        histogram: Of :func:`histogram_of`.
        seed: Of the repetitions.
        level: Of the interval.
    """
    counts, edges = np.array(histogram["counts"]), np.array(histogram["edges"])
    centres = (edges[1:] + edges[:-1]) / 2
    drawn = np.random.default_rng(seed).poisson(counts, size=(_DRAWS, len(counts)))
    peaks = centres[drawn.argmax(axis=1)]
    half = edges[1:] - edges[:-1]
    low, high = np.quantile(peaks, [(1 - level) / 2, (1 + level) / 2])
    # A bin is the least that a histogram can tell.
    width = float(half[counts.argmax()]) / 2
    value = float(centres[counts.argmax()])
    return Interval(value, min(low, value - width), max(high, value + width), level)


def draw_histograms(axes: Axes, classes: Mapping[str, Mapping[str, Any]], label: str) -> None:
    """Draw the histograms of the classes over each other.

    Args:
        axes: Where to draw.
        classes: By class, as :func:`histogram_of` returns them.
        label: Label of the x axis.
    """
    for name, histogram in classes.items():
        colour = CLASS_COLOURS[name]
        axes.stairs(
            histogram["counts"],
            histogram["edges"],
            fill=True,
            facecolor=to_rgba(colour, _OPACITY[name]),
            edgecolor=colour,
            hatch=_HATCHES[name],
            linewidth=0,
            label=CLASS_LABELS[name],
        )
        axes.stairs(histogram["counts"], histogram["edges"], color=colour, linewidth=1)
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(label)
    axes.set_ylabel("jets per bin")
