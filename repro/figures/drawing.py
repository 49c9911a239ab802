"""Pieces that several pictures share.  Everything is drawn on figures of its own: no pyplot."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from repro.figures.labels import CLASS_LABELS, symbol
from repro.figures.rankings import top
from repro.results.document import Result, look_up, whose_weights

__all__ = [
    "CLASS_COLOURS",
    "CLASS_MARKERS",
    "bar_figure",
    "bars",
    "figure_without_jets",
    "footer",
    "name_columns",
    "name_rows",
    "new_figure",
    "stated",
]

# Red and blue as in the paper; the one light and the other dark, so that they differ in grey, and
# to eyes that see red and green alike.
CLASS_COLOURS = {"qcd": "#e8705f", "top": "#1f4e96", "hbb": "#1f4e96", "all": "#5f5f5f"}
CLASS_MARKERS = {"qcd": "o", "top": "^", "hbb": "^"}

_BARS = 20
_ROW = 0.26
# Widths of letters in inches, by the size of the font: averages, for breaking lines.
_LETTER = 0.46 / 72
_SMALL = 8
# Indices of mathematical names are small.
_NAMES = 10.5
_BARS_ABOUT = "No diamond: the paper does not show the bar."


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, inches."""
    return Figure(figsize=(width, height), layout="constrained")


def figure_without_jets(result: Result) -> Figure:
    """Return a picture that says why it shows nothing: there were no jets."""
    figure = new_figure(7.0, 2.4)
    axes = figure.subplots()
    axes.set_axis_off()
    why = result.evidence_for("").description
    axes.text(0.5, 0.5, _wrapped(f"needs jets: {why}", 6.4, 10), ha="center", va="center")
    footer(figure, result)
    return figure


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Write a label beside each row of bars or cells; rows have no ticks between them."""
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", which="both", length=0, labelsize=_NAMES)
    axes.tick_params(axis="y", which="minor", left=False, right=False)


def name_columns(axes: Axes, labels: Sequence[str], rotation: float = 0) -> None:
    """Write a label below each column of cells; columns have no ticks between them."""
    axes.set_xticks(range(len(labels)), labels, rotation=rotation)
    axes.tick_params(axis="x", which="both", length=0, labelsize=_NAMES)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)


def bars(axes: Axes, result: Result, path: str, colour: str, count: int = _BARS) -> None:
    """Draw a ranking as horizontal bars, largest on top, with intervals and the paper's values.

    Args:
        axes: Where to draw.
        result: Holds the numbers and the claims.
        path: Dotted path of the ranking within the values.
        colour: Colour of the bars.
        count: How many are drawn at most.
    """
    entries = top(look_up(result.values, path), count)
    names = [name for name, _ in entries]
    values = np.array([entry["value"] for _, entry in entries])
    ends = np.array([entry.get("interval") or [np.nan, np.nan] for _, entry in entries], float)
    errors = np.nan_to_num(np.abs(ends.T - values).reshape(2, -1))
    positions = np.arange(len(entries))
    # Paler than their edges: the intervals are seen on dark colours, too.
    pale = to_rgba(colour, 0.55)
    axes.barh(positions, values, height=0.74, facecolor=pale, edgecolor=colour, linewidth=0.9)
    axes.errorbar(
        values,
        positions,
        xerr=errors,
        fmt="none",
        ecolor="black",
        lw=0.9,
        capsize=2,
        label="95 % interval",
    )
    known = {name: value for name, value in stated(result, path).items() if name in names}
    if known:
        rows = [names.index(name) for name in known]
        axes.plot(
            list(known.values()),
            rows,
            "D",
            mfc="white",
            mec="black",
            mew=0.9,
            ms=4.5,
            label="the paper, quirks on" if result.settings.get("corrected") else "the paper",
        )
    axes.legend(loc="lower right")
    name_rows(axes, [symbol(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    if (values - errors[0]).min(initial=0) < 0:
        axes.axvline(0, color="black", lw=0.8)
    axes.set_axisbelow(True)


def bar_figure(
    result: Result,
    panels: Mapping[str, str],
    label: str,
    count: int = _BARS,
    caption: str = "",
) -> Figure:
    """Draw one ranking per panel, side by side.

    Args:
        result: Holds the numbers and the claims.
        panels: Path of each ranking within the values, by panel name.
        label: Label of the x axes.
        count: How many bars are drawn in each.
        caption: What a reader has to know of the numbers.
    """
    figure = new_figure(4.6 * len(panels) + 0.6, 1.7 + _ROW * count)
    grid = np.atleast_1d(figure.subplots(1, len(panels)))
    for axes, (name, path) in zip(grid, panels.items(), strict=True):
        bars(axes, result, path, CLASS_COLOURS[name], count)
        axes.set_title(CLASS_LABELS[name])
        axes.set_xlabel(label)
    footer(figure, result, f"{caption} {_BARS_ABOUT}".strip())
    return figure


def stated(result: Result, path: str) -> dict[str, Any]:
    """Return the values that the paper states for a ranking, by feature."""
    # A claim's id is its group, a dot, and the path of its number.
    paths = {claim["id"].partition(".")[2]: claim["expected"] for claim in result.claims}
    return {
        found.removeprefix(f"{path}."): value
        for found, value in paths.items()
        if found.startswith(f"{path}.")
    }


def footer(figure: Figure, result: Result, caption: str = "", data: str | None = None) -> None:
    """Write title, caption and provenance onto a figure.

    Args:
        figure: Where to write.
        result: Gives title and provenance.
        caption: What a reader has to know of the numbers.
        data: What the numbers come from; by default the jets and the weights.
    """
    width = figure.get_figwidth() - 0.4
    figure.suptitle(_wrapped(result.title, width, 12))
    jets = result.data.get("jets")
    corrected = ", corrected" if result.settings.get("corrected") else ""
    weights = f" · weights: {whose_weights(result.weights)}" if result.weights else ""
    about = data or f"data: {result.data['source']}, {jets:,} jets{corrected}{weights}"
    lines = [caption, f"{result.item} · {about}"]
    figure.supxlabel(
        "\n".join(_wrapped(line, width, _SMALL) for line in lines if line),
        fontsize=_SMALL,
        color="#444444",
    )


def _wrapped(text: str, width: float, size: float) -> str:
    """Return the text in lines that fit a width in inches."""
    return textwrap.fill(text, int(width / (_LETTER * size)), break_long_words=False)
