"""Pieces that several pictures share.  Everything is drawn on figures of its own: no pyplot."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.results.document import Result, look_up, whose_weights

__all__ = ["CLASS_COLOURS", "CLASS_LABELS", "bar_figure", "bars", "footer", "new_figure", "top"]

CLASS_LABELS = {"qcd": "QCD jets", "top": "top jets", "all": "all jets"}
CLASS_COLOURS = {"qcd": "#c0392b", "top": "#2a6fb0", "all": "#4d4d4d"}

_SYMBOLS = {"pt": "p_{T", "eta": r"\eta_{", "phi": r"\phi_{"}
_JET = {"pT_J": "$p_{T,J}$", "m_J": "$m_J$", "tau_21": r"$\tau_{21}$", "tau_32": r"$\tau_{32}$"}
_EXPONENTS = {"05": "0.5"}
_BARS = 20


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, inches."""
    return Figure(figsize=(width, height), layout="constrained")


def top(entries: Mapping[str, Any], count: int = _BARS) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries with the largest values, largest first."""
    known = [(name, entry) for name, entry in entries.items() if entry["value"] is not None]
    return sorted(known, key=lambda pair: -pair[1]["value"])[:count]


def symbol(feature: str) -> str:
    r"""Return a feature's name as maths.

    >>> symbol("pt_0"), symbol("tau_2_05")
    ('$p_{T,0}$', '$\\tau_2^{(0.5)}$')
    """
    if feature in _JET:
        return _JET[feature]
    quantity, _, index = feature.rpartition("_")
    if quantity.startswith("tau_"):
        return rf"$\tau_{quantity.removeprefix('tau_')}^{{({_EXPONENTS.get(index, index)})}}$"
    if quantity not in _SYMBOLS:
        return feature
    separator = "," if quantity == "pt" else ""
    return f"${_SYMBOLS[quantity]}{separator}{index}}}$"


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
    axes.barh(positions, values, color=colour, alpha=0.85)
    axes.errorbar(values, positions, xerr=errors, fmt="none", ecolor="black", lw=0.8, capsize=2)
    stated = {name: value for name, value in _stated(result, path).items() if name in names}
    if stated:
        rows = [names.index(name) for name in stated]
        axes.plot(list(stated.values()), rows, "D", mfc="white", mec="black", ms=4, label="paper")
        axes.legend(loc="lower right")
    axes.set_yticks(positions, [symbol(name) for name in names])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def bar_figure(result: Result, panels: Mapping[str, str], label: str, count: int = _BARS) -> Figure:
    """Draw one ranking per panel, side by side.

    Args:
        result: Holds the numbers and the claims.
        panels: Path of each ranking within the values, by panel name.
        label: Label of the x axes.
        count: How many bars are drawn in each.
    """
    figure = new_figure(4.6 * len(panels) + 0.4, 1.6 + 0.23 * count)
    grid = np.atleast_1d(figure.subplots(1, len(panels)))
    for axes, (name, path) in zip(grid, panels.items(), strict=True):
        bars(axes, result, path, CLASS_COLOURS[name], count)
        axes.set_title(CLASS_LABELS[name])
        axes.set_xlabel(label)
    footer(figure, result)
    return figure


def _stated(result: Result, path: str) -> dict[str, float]:
    """Return the values that the paper states for a ranking, by feature."""
    # A claim's id is its group, a dot, and the path of its number.
    paths = {claim["id"].partition(".")[2]: claim["expected"] for claim in result.claims}
    return {
        found.removeprefix(f"{path}."): value
        for found, value in paths.items()
        if found.startswith(f"{path}.")
    }


def footer(figure: Figure, result: Result) -> None:
    """Write title and provenance onto a figure."""
    figure.suptitle(result.title)
    jets = result.data.get("jets")
    corrected = ", corrected" if result.settings.get("corrected") else ""
    weights = f" · weights: {whose_weights(result.weights)}" if result.weights else ""
    figure.supxlabel(
        f"{result.item} · data: {result.data['source']}, {jets:,} jets{corrected}{weights}",
        fontsize=7,
        color="#666666",
    )
