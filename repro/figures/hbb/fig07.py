"""F7: masks of all features below a threshold at once: ROC curves and fidelity."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from repro.explain.problem import Explanation
from repro.figures.context import Context
from repro.figures.curves import Look, curves_of, draw_roc, looks_of
from repro.figures.drawing import figure_without_jets, footer, new_figure, stated
from repro.figures.feature_sets import KINDS, THRESHOLDS, features_of, published_sets
from repro.figures.interaction import FAMILY, needs_jets
from repro.figures.masked_scores import NO_LABEL, MaskedScores, found_scores, masked_scores
from repro.metrics.correlated import covariance_of
from repro.metrics.intervals import Interval
from repro.results.document import Result

__all__ = ["compute", "render"]

_TITLES = {
    "tracks": "features of tracks",
    "vertices": "features of vertices",
    "both": "features of both",
}
_ORIGINS = {"published": ("", 0.55, -0.19), "found": ("////", 0.15, 0.19)}
_NORMAL = 1.959963984540054
_SETS = (
    "loss, fidelity and infidelity are those with the published sets masked, which the models that "
    "were trained without them name; those with the sets that are below the thresholds on these "
    "jets are under found. together_minus_alone is the loss with a published set masked, minus the "
    "sum of the losses with each of its features masked alone."
)
_CAPTION = (
    "All features at zero at once whose drop in AUC is below the threshold, given in percentage "
    "points of AUC. Curves: the published sets. Bars: mean change of P(H to bb), the published "
    "sets (full) and those below the threshold on these jets (hatched). Dotted: a coin."
)


def compute(context: Context) -> Result:
    """Mask the published sets of features, and those that are found on these jets."""
    if not context.record:
        return needs_jets(context, "hbb/fig7")
    tagger = context.tagger(FAMILY)
    scores, (_, found) = masked_scores(context), found_scores(context)
    published = _numbers(scores, "published")
    values: dict[str, Any] = {
        "loss": published["loss"],
        "fidelity": {
            threshold: published["fidelity"][threshold]["both"] for threshold in THRESHOLDS
        },
        "infidelity": published["infidelity"],
        "found": _numbers(found, "found"),
        "together_minus_alone": _together_minus_alone(scores),
        "curves": {
            "baseline": curves_of(scores.plain, scores.labels),
            **{
                threshold: {
                    kind: curves_of(scores.of(f"published.{threshold}.{kind}"), scores.labels)
                    for kind in KINDS
                }
                for threshold in THRESHOLDS
            },
        },
    }
    return scores.result(
        context,
        "hbb/fig7",
        tagger,
        values,
        settings={"replacement": "zero", "thresholds": THRESHOLDS},
        notes=[_SETS, NO_LABEL[context.settings.corrected]],
    )


def render(result: Result) -> Figure:
    """Draw ROC curves above, losses of fidelity below; tracks, vertices and both."""
    if not result.data["jets"]:
        return figure_without_jets(result)
    figure = new_figure(13.0, 9.0)
    grid = figure.subplots(2, 3, height_ratios=[1.35, 1])
    curves = result.values["curves"]
    for (above, below), (kind, title) in zip(grid.T, _TITLES.items(), strict=True):
        labels = {
            name: f"{points:g} %: loss {_signed(result.values['loss'][name][kind]['value'])}"
            for name, points in THRESHOLDS.items()
        }
        looks = {"baseline": Look("nothing masked", "black", width=2.2)}
        looks |= looks_of(list(THRESHOLDS), labels)
        shown = {name: curves[name][kind] for name in THRESHOLDS}
        draw_roc(above, {"baseline": curves["baseline"], **shown}, looks)
        above.set_title(title)
        _draw_bars(below, result, kind)
    footer(figure, result, _CAPTION)
    return figure


def _numbers(scores: MaskedScores, origin: str) -> dict[str, Any]:
    """Return losses of AUC and of fidelity by threshold and kind."""
    pairs = [(threshold, kind) for threshold in THRESHOLDS for kind in KINDS]
    drops = scores.drops([f"{origin}.{threshold}.{kind}" for threshold, kind in pairs])
    table: dict[str, Any] = {
        name: {threshold: {} for threshold in THRESHOLDS}
        for name in ("loss", "fidelity", "infidelity")
    }
    for i, (threshold, kind) in enumerate(pairs):
        alike: Interval = drops.details["fidelity"][i]
        table["loss"][threshold][kind] = drops.panels["all"][i]
        table["fidelity"][threshold][kind] = alike
        table["infidelity"][threshold][kind] = Interval(
            1 - alike.value / 100, 1 - alike.high / 100, 1 - alike.low / 100, alike.level
        )
    return table


def _together_minus_alone(scores: MaskedScores) -> dict[str, Any]:
    """Return by threshold and kind what a set costs beyond what its features cost one by one.

    The losses are of the same jets: the interval is that of the sum, with their correlations.
    """
    sets = published_sets()
    masks = [f"published.{threshold}.{kind}" for threshold in THRESHOLDS for kind in KINDS]
    drops = scores.drops([*features_of("both"), *masks])
    return {
        threshold: {
            kind: _contrast(drops, f"published.{threshold}.{kind}", sets[threshold][kind])
            for kind in KINDS
        }
        for threshold in THRESHOLDS
    }


def _contrast(drops: Explanation, whole: str, parts: tuple[str, ...]) -> Interval:
    numbers = drops.panels["all"]
    weights = np.array([float(name == whole) - float(name in parts) for name in drops.names])
    value = float(weights @ numbers.value)
    margin = _NORMAL * float(max(weights @ covariance_of(numbers) @ weights, 0.0)) ** 0.5
    return Interval(value, value - margin, value + margin, numbers.level)


def _draw_bars(axes: Axes, result: Result, kind: str) -> None:
    names = list(THRESHOLDS)
    places = np.arange(len(names))
    tables = {
        "published": result.values["infidelity"],
        "found": result.values["found"]["infidelity"],
    }
    for origin, (hatch, opacity, shift) in _ORIGINS.items():
        entries = [tables[origin][name][kind] for name in names]
        values = np.array([entry["value"] for entry in entries])
        ends = np.array([entry["interval"] for entry in entries])
        axes.bar(
            places + shift,
            values,
            width=0.36,
            facecolor=to_rgba("#3f7f93", opacity),
            edgecolor="#3f7f93",
            hatch=hatch,
            label=f"{origin} sets",
        )
        axes.errorbar(
            places + shift,
            values,
            yerr=np.abs(ends.T - values),
            fmt="none",
            ecolor="black",
            lw=0.9,
            capsize=2,
        )
    known = [(i, _stated_loss(result, name, kind)) for i, name in enumerate(names)]
    points = [(i + _ORIGINS["published"][2], value) for i, value in known if value is not None]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "D", mfc="white", mec="black", mew=0.9, ms=4.5, label="the authors'")
    axes.set_xticks(places, [f"{THRESHOLDS[name]:g} %" for name in names])
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_yscale("symlog", linthresh=0.001, linscale=0.4)
    axes.set_ylim(0, 1)
    axes.set_xlabel("threshold")
    axes.set_ylabel("loss of fidelity")
    axes.legend(loc="upper left")


def _stated_loss(result: Result, threshold: str, kind: str) -> float | None:
    """Return the authors' loss of fidelity; of both kinds they give the fidelity."""
    if kind == "both":
        alike = stated(result, "fidelity").get(threshold)
        return None if alike is None else 1 - alike / 100
    return stated(result, f"infidelity.{threshold}").get(kind)


def _signed(value: float) -> str:
    """Return a number with two decimals; what rounds to zero has no sign."""
    return f"{round(value, 2) or 0.0:.2f}".replace("-", "−")
