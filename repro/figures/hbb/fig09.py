"""F9: ROC curves of retrained, preloaded and resized networks, and their fidelity."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.curves import Look, curves_of, draw_roc
from repro.figures.drawing import footer, new_figure
from repro.figures.interaction import (
    FAMILY,
    NO_JETS,
    from_weights,
    load_each,
    say_without_jets,
    short_label,
    without_jets,
)
from repro.figures.record_scores import RecordScores, networks_on_record
from repro.figures.retrained import THRESHOLDS, labels_of
from repro.metrics.intervals import Interval
from repro.models.cards import BASELINE, find_card
from repro.models.embedded_weights import embedded_card, has_embedded
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute", "render"]

# The authors' names of the saved pictures, what they show, and which networks those are.
_PANELS = {
    "droppfeats": ("track features dropped", r"pfeaturesdropped_\d+(_preload)?"),
    "droppsvfeats": ("track and vertex features dropped", r"psvfeaturesdropped_\d+_preload"),
    "modhparams": ("other sizes", r"(De|Do|hidden)\d+|pfeaturesdropped14_.*"),
    "dropTrackQ": ("without track_quality, sv_ptrel, sv_erel", r".*_noTrackQ.*"),
}
_PRELOADED = "_preload"
_COLOURS = ("#bd1f01", "#3f90da", "#ffa90e", "#832db6", "#2f7d4f", "#e76300", "#5f8ac7", "#a96b59")
_SERIES = {
    "retrained_tracks": ("random initial weights, tracks", "o", "#e8705f"),
    "preloaded_tracks": ("preloaded, tracks", "^", "#1f4e96"),
    "preloaded_both": ("preloaded, tracks and vertices", "s", "#5f5f5f"),
}
_CAPTION = (
    "Legends: p, track features are dropped, psv, those of vertices as well; 0001, 0005, 001, 005, "
    "100: those with a drop in AUC below 0.001, 0.005, 0.01, 0.05, 1 %; broken lines: preloaded; "
    "then the AUC in per cent. Fidelity: 1 − mean |difference of the scores of a network and of "
    "the baseline|. 95 % intervals."
)
_NO_SCRATCH = (
    "this version ships no Interaction Network that it trained itself: 'repro train in:baseline "
    "--data FILE' trains one"
)
_OF_THE_RECORD = "ntuple_merged_"
_OTHER_JETS = "the package's own in:baseline learned from other jets than those of the record"


def compute(context: Context) -> Result:
    """Score the jets with all networks, and compare each with the baseline."""
    networks, failures = load_each(context)
    own = from_weights(networks.values()).own_weights
    scratch, about_scratch = _scratch()
    values: dict[str, Any] = {"scratch": {"auc": scratch}}
    evidence = {"scratch": about_scratch}
    if context.record:
        scored = networks_on_record(context, networks)
        values |= _compared(scored)
        jets = scored.jets(context)
        evidence[""] = scored.evidence(context, own)
    else:
        jets = NO_JETS
        evidence |= without_jets(context)
    notes = [f"{label} is not shown, for its weights do not load" for label in failures]
    return context.result(
        "hbb/fig9", jets, networks.values(), values, evidence=evidence, notes=notes
    )


def render(result: Result) -> Figure:
    """Draw the ROC curves of each group of networks, and the loss of fidelity."""
    if "curves" not in result.values:
        return say_without_jets(result)
    figure = new_figure(12.0, 13.4)
    grid = figure.subplots(3, 2)
    areas = result.values["auc"]
    for axes, (name, (title, _)) in zip(grid.ravel(), _PANELS.items(), strict=False):
        shown = result.values["groups"][name]
        curves = {one: {"roc": result.values["curves"][one]} for one in shown}
        draw_roc(axes, curves, _looks(shown, areas))
        axes.set_title(title)
    _draw_fidelity(grid[2, 0], result)
    _draw_differences(grid[2, 1], result)
    footer(figure, result, _CAPTION)
    return figure


def _compared(scored: RecordScores) -> dict[str, Any]:
    """Return curves, AUCs and fidelities of all networks, and the groups of the panels."""
    rows = {label: scored.row(label, BASELINE) for label in scored.scores}
    groups = {
        name: [BASELINE, *(label for label in rows if re.fullmatch(pattern, label))]
        for name, (_, pattern) in _PANELS.items()
    }
    shown = sorted({label for labels in groups.values() for label in labels})
    return {
        "groups": groups,
        "auc": {label: rows[label]["auc"] for label in shown},
        "auc_minus_baseline": {
            label: rows[label]["auc_minus_baseline"] for label in shown if label != BASELINE
        },
        "fidelity": {label: rows[label]["fidelity"] for label in shown},
        "curves": {label: curves_of(scored.scores[label], scored.labels)["roc"] for label in shown},
    }


def _scratch() -> tuple[Interval | None, Evidence]:
    """Return the AUC of the package's own baseline on the jets that it was chosen by, in per cent.

    Claimed is that of a training on jets of the record.
    """
    card = find_card(FAMILY)
    if not has_embedded(card):
        return None, missing(_NO_SCRATCH)
    document = embedded_card(card)
    data = document["training"]["data"]
    files = [data["file"]] if isinstance(data["file"], str) else data["file"]
    found = document["metrics"]["validation"]["auc"]
    value, low, high = (100 * end for end in (found["value"], *found["interval"]))
    auc = Interval(value, low, high, found["level"])
    if not all(_OF_THE_RECORD in file for file in files):
        return auc, missing(_OTHER_JETS)
    return auc, Evidence("other", f"{data['jets']:,} jets of {', '.join(files)}", own_weights=True)


def _looks(shown: Sequence[str], areas: Mapping[str, Mapping[str, Any]]) -> dict[str, Look]:
    """Return looks: one colour for the same features, broken lines for preloaded weights."""
    stems = [label.removesuffix(_PRELOADED) for label in shown if label != BASELINE]
    places = {stem: place for place, stem in enumerate(dict.fromkeys(stems))}
    looks = {}
    for label in shown:
        text = f"{short_label(label)}: {areas[label]['value']:.2f}"
        if label == BASELINE:
            looks[label] = Look(text, "black", "-", 1.8)
            continue
        turn, place = divmod(places[label.removesuffix(_PRELOADED)], len(_COLOURS))
        stroke = "--" if label.endswith(_PRELOADED) else ("-", "-.")[turn % 2]
        looks[label] = Look(text, _COLOURS[place], stroke, 1.3)
    return looks


def _draw_fidelity(axes: Axes, result: Result) -> None:
    """Draw 1 - fidelity by threshold, for each series."""
    _draw_series(axes, result.values["fidelity"], lambda value: 100 - value)
    axes.set_yscale("log")
    axes.set_ylabel("100 − fidelity to the baseline [%]")
    axes.set_title("loss of fidelity of retrained networks")
    axes.legend(loc="upper left")


def _draw_differences(axes: Axes, result: Result) -> None:
    _draw_series(axes, result.values["auc_minus_baseline"], lambda value: value)
    axes.axhline(0, color="black", lw=0.8)
    axes.set_ylabel("AUC − AUC of the baseline [points]")
    axes.set_title("AUC lost or won, on the same jets")


def _draw_series(axes: Axes, numbers: Mapping[str, Any], change: Callable[[float], float]) -> None:
    for place, (series, (label, marker, colour)) in enumerate(_SERIES.items()):
        shown = labels_of(series, numbers)
        values = np.array([change(numbers[one]["value"]) for one in shown.values()])
        ends = np.array([[change(x) for x in numbers[one]["interval"]] for one in shown.values()])
        where = np.array([list(THRESHOLDS).index(key) for key in shown]) + 0.16 * (place - 1)
        axes.errorbar(
            where,
            values,
            yerr=np.abs(ends.T - values),
            fmt=marker,
            color=colour,
            ms=5,
            capsize=2,
            label=label,
        )
    axes.set_xticks(range(len(THRESHOLDS)), [f"{x:g} %" for x in THRESHOLDS.values()])
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_xlabel("features dropped: those with a drop in AUC below")
