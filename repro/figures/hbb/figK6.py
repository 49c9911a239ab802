"""K6: smaller networks, what they lose, and the activation pattern of the squeezed one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.explain.activation_patterns import QUIET
from repro.explain.activity_contrast import ActivityContrast
from repro.figures.context import Context
from repro.figures.drawing import CLASS_COLOURS, footer, name_rows, new_figure
from repro.figures.interaction import (
    CLASSES,
    NO_JETS,
    RANDOM_SPLIT,
    artificial_in_words,
    from_weights,
    load_each,
    short_label,
    without_jets,
)
from repro.figures.interaction_patterns import (
    ARTIFICIAL_CAPTION,
    ARTIFICIAL_JETS,
    RNA_CAPTION,
    artificial_contrast,
    draw_pattern,
    outline_values,
)
from repro.figures.record_scores import (
    JETS_OF_PATTERNS,
    RecordScores,
    Watched,
    networks_on_record,
)
from repro.metrics.intervals import Interval
from repro.models.cards import BASELINE
from repro.models.dense import count_parameters
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import missing

__all__ = ["compute", "render"]

SQUEEZED = "pfeaturesdropped14_hidden16_De8_Do8"
_NARROWEST = 16
_SHOWN = {"baseline": BASELINE, "squeezed": SQUEEZED}
_CAPTION = (
    "p: track features are dropped, psv: those of vertices as well. AUC lost: that of the baseline "
    "minus that of the network, paired, in percentage points."
)
_MEANS = (
    "The interval of a mean of sparsities takes their errors as common to all: they are of the "
    "same jets. That of a difference of means takes the worst case: errors add up."
)


def compute(context: Context) -> Result:
    """Count parameters, and compare the AUC and the activity of smaller networks with the baseline.

    Without jets the patterns are those of artificial ones.
    """
    networks, failures = load_each(context)
    alone = from_weights(networks.values())
    counts = {label: count_parameters(tagger.network) for label, tagger in networks.items()}
    values: dict[str, Any] = {"parameters": counts}
    evidence = {"parameters": alone, "parameter_ratio": alone}
    if SQUEEZED in counts:
        values["parameter_ratio"] = counts[BASELINE] / counts[SQUEEZED]
    shown = {name: label for name, label in _SHOWN.items() if label in networks}
    if context.record:
        scored = networks_on_record(context, networks)
        jets, about = scored.jets(context), {"": scored.evidence(context, alone.own_weights)}
        values |= _measured(scored, networks)
        contrasts = {name: scored.activity[Watched(label)] for name, label in shown.items()}
        settings: dict[str, Any] = {"quiet": QUIET, "most_jets": JETS_OF_PATTERNS}
    else:
        jets, about = NO_JETS, without_jets(context)
        contrasts = {
            name: artificial_contrast(context, networks[label]) for name, label in shown.items()
        }
        evidence["patterns"] = alone
        settings = {"quiet": QUIET, "artificial_jets": ARTIFICIAL_JETS}
    values["patterns"] = {name: outline_values(found) for name, found in contrasts.items()}
    for label, why in failures.items():
        evidence |= dict.fromkeys((f"parameters.{label}", f"loss.{label}"), missing(why))
    return context.result(
        "hbb/figK6",
        jets,
        networks.values(),
        values,
        evidence={**about, **evidence},
        settings=settings,
        notes=[_MEANS] if context.record else [],
    )


def render(result: Result) -> Figure:
    """Draw parameters against the AUC lost, and the patterns of baseline and squeezed network."""
    patterns = result.values["patterns"]
    measured = "loss" in result.values
    heights = [3.2, 4.4] if measured else [4.4]
    figure = new_figure(11.5, sum(heights) + 1.2)
    parts = figure.subfigures(2 if measured else 1, 1, squeeze=False, height_ratios=heights)[:, 0]
    grid = parts[-1].subplots(1, len(patterns), squeeze=False)[0]
    panels = dict(zip(patterns, grid, strict=True))
    for name, values in patterns.items():
        draw_pattern(panels[name], values["rna"], with_scale=True)
        quiet = [f"{values['sparsity'][one]['value']:.2f}" for one in CLASSES]
        panels[name].set_title(f"{name}: {quiet[0]} (QCD) and {quiet[1]} (Higgs) of nodes quiet")
        panels[name].set_ylabel("node of the layer")
    if measured:
        _draw_losses(parts[0].subplots(), result.values["loss"], result.values["parameters"])
        footer(figure, result, f"{_CAPTION} {RNA_CAPTION}")
    else:
        about = artificial_in_words(result, result.settings["artificial_jets"])
        footer(figure, result, f"{ARTIFICIAL_CAPTION} {RNA_CAPTION}", about)
    return figure


def _measured(scored: RecordScores, networks: Mapping[str, Tagger]) -> dict[str, Any]:
    """Return AUC lost, sparsities and differences, of all networks and of the squeezed one."""
    width = {label: tagger.card.hidden[0] for label, tagger in networks.items()}
    narrow = [label for label in networks if width[label] == _NARROWEST]
    found: dict[str, Any] = {
        "loss": {
            label: _negative(scored.auc_difference(label, BASELINE))
            for label in networks
            if label not in (BASELINE, RANDOM_SPLIT)
        },
        "sparsity": {"mean_baseline": _mean_sparsity([scored.activity[Watched(BASELINE)]])},
    }
    if narrow:
        of_narrow = _mean_sparsity([scored.activity[Watched(label)] for label in narrow])
        found["sparsity"] |= {
            "mean_hidden16": of_narrow,
            "baseline_minus_hidden16": _apart(found["sparsity"]["mean_baseline"], of_narrow),
        }
    if SQUEEZED in networks:
        squeezed = scored.activity[Watched(SQUEEZED)]
        found["auc"] = {"squeezed": scored.row(SQUEEZED, BASELINE)["auc"]}
        found["sparsity"]["squeezed"] = squeezed.sparsity
        found["largest_difference"] = {"squeezed": squeezed.largest}
    return found


def _negative(difference: Interval) -> Interval:
    return Interval(-difference.value, -difference.high, -difference.low, difference.level)


def _mean_sparsity(contrasts: Iterable[ActivityContrast]) -> Interval:
    """Return the mean over networks and both classes; its interval is the mean of theirs."""
    every = [found.sparsity[name] for found in contrasts for name in CLASSES]
    value, low, high = (
        float(np.mean([getattr(one, end) for one in every])) for end in ("value", "low", "high")
    )
    return Interval(value, low, high, every[0].level)


def _apart(first: Interval, second: Interval) -> Interval:
    """Return a difference, whose interval is at its widest: errors add up."""
    return Interval(
        first.value - second.value, first.low - second.high, first.high - second.low, first.level
    )


def _draw_losses(
    axes: Axes, losses: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, int]
) -> None:
    """Draw the AUC lost by networks with fewer nodes than the baseline, fewest parameters first."""
    labels = sorted((name for name in losses if _is_resized(name)), key=lambda n: parameters[n])
    values = np.array([losses[label]["value"] for label in labels])
    ends = np.array([losses[label]["interval"] for label in labels]).T
    rows = np.arange(len(labels))
    axes.errorbar(
        values,
        rows,
        xerr=np.abs(ends - values),
        fmt="o",
        color=CLASS_COLOURS["top"],
        ms=5,
        capsize=2,
        label="95 % interval",
    )
    axes.axvline(0, color="black", lw=0.8)
    name_rows(axes, [f"{short_label(label)}: {parameters[label]:,}" for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel("AUC lost against the baseline [points]")
    axes.set_title(
        f"smaller networks and their parameters; the baseline has {parameters[BASELINE]:,}"
    )
    axes.legend(loc="best")


def _is_resized(label: str) -> bool:
    return any(part in label for part in ("hidden", "De", "Do"))
