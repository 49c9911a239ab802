"""The picture of layerwise relevance in Interaction Networks, by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.figures.drawing import CLASS_COLOURS, footer, name_columns, name_rows, new_figure
from repro.results.document import Result

__all__ = ["draw_relevance"]

_CLASSES = {"qcd": ("QCD jets", "qcd", "o", -0.2), "hbb": ("Higgs jets", "top", "^", 0.2)}
_RULES = {
    "gamma": "LRP-γ as published: W + γ · max(W, 0)",
    "gamma_signed": "stable: enhances what is positive in the product of weight and input",
}
_CAPTION = (
    "Relevance of a feature of all tracks, or of all vertices: its share of the logit of the jet's "
    "class, mean over jets. Tracks are in descending order of track_erel, vertices in that of "
    "sv_pt. Tails: fraction of jets in which some feature has a share of more than the bound, of "
    "either sign. Bottom right: baseline, older rule. Bars and points: 95 % intervals."
)


def draw_relevance(result: Result) -> Figure:
    """Draw features by two rules, maps and slots by class, tails, and relevance against ΔAUC.

    Args:
        result: Of figure 11, with jets.
    """
    values = result.values
    figure = new_figure(12.5, 20.0)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[13.2, 6.4])[:, 0]
    grid = np.concatenate(
        [upper.subplots(3, 2, height_ratios=[6.4, 4.2, 2.6]), lower.subplots(2, 2)]
    )
    names = [*values["names"]["tracks"], *values["names"]["vertices"]]
    rule = result.settings["rule"]
    for axes, found, title in (
        (grid[0, 0], values, _RULES[rule]),
        (grid[0, 1], values["stable"], _RULES["gamma_signed"]),
    ):
        _draw_features(axes, found["relevance"], names)
        axes.axhline(len(values["names"]["tracks"]) - 0.5, color="#888888", lw=0.8, ls=":")
        axes.set_title(title)
    for place, name in enumerate(_CLASSES):
        for row, kind in ((1, "tracks"), (2, "vertices")):
            _draw_map(grid[row, place], values["maps"][name][kind], values["names"][kind])
            grid[row, place].set_title(
                f"{_CLASSES[name][0]}: {kind}, {rule.replace('_', ' ')} rule"
            )
            grid[row, place].set_xlabel(f"slot of the {'track' if kind == 'tracks' else 'vertex'}")
    _draw_slots(grid[3, 0], values["track_slots"], "track")
    _draw_slots(grid[3, 1], values["vertex_slots"], "vertex")
    _draw_tails(grid[4, 0], values)
    _draw_conflict(grid[4, 1], values["baseline"])
    footer(figure, result, _CAPTION)
    return figure


def _draw_features(
    axes: Axes, relevance: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> None:
    rows = np.arange(len(names))
    for name, (label, colour, _, shift) in _CLASSES.items():
        values, errors = _ends([relevance[name][one] for one in names])
        axes.barh(rows + shift, values, height=0.38, color=CLASS_COLOURS[colour], label=label)
        axes.errorbar(values, rows + shift, xerr=errors, fmt="none", ecolor="black", lw=0.9)
    axes.axvline(0, color="black", lw=0.8)
    name_rows(axes, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("mean share of the logit")
    axes.legend(loc="lower right")


def _draw_map(axes: Axes, cells: Sequence[Sequence[float]], names: Sequence[str]) -> None:
    """Draw the mean share of each feature in each slot; the scale is that of the largest cell."""
    matrix = np.array(cells, float)
    most = float(np.abs(matrix).max()) or 1.0
    image = axes.imshow(
        matrix, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", interpolation="none"
    )
    name_rows(axes, names)
    axes.tick_params(axis="y", labelsize=8)
    if matrix.shape[1] <= 10:
        name_columns(axes, [str(slot) for slot in range(matrix.shape[1])])
    axes.figure.colorbar(image, ax=axes, aspect=30, label="mean share")


def _draw_slots(axes: Axes, slots: Mapping[str, Mapping[str, Any]], what: str) -> None:
    for name, (label, colour, marker, shift) in _CLASSES.items():
        values, errors = _ends(list(slots[name].values()))
        where = np.arange(len(values)) + (0.3 * shift if len(values) < 10 else 0)
        axes.errorbar(
            where,
            values,
            yerr=errors,
            fmt=marker,
            color=CLASS_COLOURS[colour],
            ms=3.5,
            lw=0.9,
            label=label,
        )
    axes.axhline(0, color="black", lw=0.8)
    axes.set_xlabel(f"slot of the {what}")
    axes.set_ylabel("mean share of the logit")
    axes.legend(loc="upper right")


def _draw_tails(axes: Axes, values: Mapping[str, Any]) -> None:
    for kind, stroke, found in (
        ("rule of the maps", "-", values),
        ("stable", "--", values["stable"]),
    ):
        for name, (label, colour, _, _) in _CLASSES.items():
            tail = found["instability"][name]["tail"]
            fractions = np.array(tail["fraction"], float)
            fractions[fractions == 0] = np.nan
            axes.plot(
                tail["bound"],
                fractions,
                stroke,
                color=CLASS_COLOURS[colour],
                label=f"{label}, {kind}",
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("largest share of a feature in a jet")
    axes.set_ylabel("fraction of jets beyond")
    axes.set_title("what denominators near zero do")
    axes.legend(loc="lower left")


def _draw_conflict(axes: Axes, baseline: Mapping[str, Any]) -> None:
    """Draw the relevance of each feature of vertices against its drop in AUC."""
    drops = baseline["drop"]
    x, x_errors = _ends(list(drops.values()))
    shown = [baseline["relevance"]["hbb"][name] for name in drops]
    y, y_errors = _ends(shown)
    axes.errorbar(
        x, y, xerr=x_errors, yerr=y_errors, fmt="^", color=CLASS_COLOURS["top"], ms=5, lw=0.9
    )
    notable = sorted(range(len(x)), key=lambda i: -max(x[i] / np.abs(x).max(), y[i] / y.max()))[:6]
    for turn, place in enumerate(sorted(notable, key=lambda i: x[i])):
        axes.annotate(
            list(drops)[place],
            (x[place], y[place]),
            (5, (4, 14)[turn % 2]),
            textcoords="offset points",
            fontsize=8,
        )
    axes.axhline(0, color="black", lw=0.8)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_xlabel("drop in AUC with the feature at zero [points]")
    axes.set_ylabel("mean share, Higgs jets")
    axes.margins(0.12)
    axes.set_title("baseline, vertices: relevance against the drop in AUC")


def _ends(entries: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Return values (n,) and the lengths of their intervals (2, n)."""
    values = np.array([entry["value"] for entry in entries], float)
    ends = np.array([entry.get("interval") or [np.nan, np.nan] for entry in entries], float)
    return values, np.nan_to_num(np.abs(ends.T - values))
