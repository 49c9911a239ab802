"""F2: the order of tracks and vertices does not matter: ROC curves, and logits of all models."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.benchmarks.artificial import ARTIFICIAL, artificial_jets
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS
from repro.data.kept_rows import Arrays, fingerprint
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.curves import Look, curves_of, draw_roc
from repro.figures.drawing import footer, name_rows, new_figure
from repro.figures.interaction import (
    NO_JETS,
    artificial_in_words,
    from_weights,
    load_each,
    logits_of,
    short_label,
    without_jets,
)
from repro.figures.record_scores import jets_in_words
from repro.figures.stopped import key_of_record
from repro.metrics.intervals import auc_difference_interval, auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.models.cards import BASELINE
from repro.models.scores import probability_of_top
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, rate

__all__ = ["compute", "largest_change", "render"]

Orders = Sequence[tuple[NDArray[np.integer], NDArray[np.integer]]]

_JETS = 128
_PERMUTATIONS = 3
_TOLERANCE = "hbb/C4.logits"
_ARTIFICIAL = (
    f"Artificial jets, not the paper's: {ARTIFICIAL}, random numbers. The slots of tracks, and "
    "those of vertices, are permuted at random, empty ones as well."
)
_CHANGE = (
    "Change of a logit: divided by the larger of the jet's two logits, which are differences of "
    "larger sums."
)
_PERMUTED = "Left: all slots of tracks and of vertices in another order, the same for all jets."
_LOOKS = {
    "before": Look("as in the file", "#e8705f", "-", 3.0),
    "after": Look("permuted", "#1f4e96", "--", 1.4),
}


def compute(context: Context) -> Result:
    """Permute the slots of artificial jets, and compare the logits of every model.

    Where there are jets, permute theirs, and compare the baseline's ROC curves and logits.
    """
    networks, _ = load_each(context)
    rng = np.random.default_rng(context.settings.seed)
    orders = [
        (rng.permutation(TRACK_SLOTS), rng.permutation(VERTEX_SLOTS)) for _ in range(_PERMUTATIONS)
    ]
    changes = _changes(context, networks, orders)
    values: dict[str, Any] = {
        "invariance": {"max_relative_difference": max(changes.values()), "models": changes}
    }
    alone = from_weights(networks.values())
    evidence = dict.fromkeys(("invariance.max_relative_difference", "invariance.models"), alone)
    jets, notes = NO_JETS, []
    if context.record:
        found, jets = _of_jets(context, networks[BASELINE], orders[0])
        values["invariance"] |= found.pop("invariance")
        values |= found
        kind, own = rate(jets.kind, jets.labels), networks[BASELINE].own_weights
        evidence[""] = Evidence(kind, jets.description, own)
    else:
        evidence |= without_jets(context)
        notes.append("The ROC curves need jets: this picture has the logits in their place.")
    return context.result(
        "hbb/fig2",
        jets,
        networks.values(),
        values,
        evidence=evidence,
        settings={"artificial_jets": _JETS, "permutations": _PERMUTATIONS},
        notes=notes,
    )


def render(result: Result) -> Figure:
    """Draw both ROC curves if there are any, and the largest change of a logit by model."""
    curves = result.values.get("curves")
    if curves is None:
        figure = new_figure(8.2, 7.6)
        axes = figure.subplots()
        axes.set_title("in place of the ROC curves, which need jets: logits of artificial jets")
        _draw_changes(axes, result)
        artificial = artificial_in_words(result, result.settings["artificial_jets"])
        footer(figure, result, f"{_ARTIFICIAL} {_CHANGE}", artificial)
        return figure
    figure = new_figure(12.5, 7.6)
    left, right = figure.subplots(1, 2)
    areas = result.values["auc"]
    looks = {
        name: Look(
            f"{look.label}: {areas[name]['value']:.4f} %", look.colour, look.stroke, look.width
        )
        for name, look in _LOOKS.items()
    }
    draw_roc(left, {name: {"roc": curve} for name, curve in curves.items()}, looks)
    left.set_title("baseline: ROC curves and their AUC")
    _draw_changes(right, result)
    right.set_title("logits of artificial jets, by model")
    footer(figure, result, f"{_PERMUTED} Right: {_ARTIFICIAL} {_CHANGE}")
    return figure


def _changes(context: Context, networks: Mapping[str, Tagger], orders: Orders) -> dict[str, float]:
    """Return the largest change of a logit of artificial jets, by label."""
    tracks, vertices = artificial_jets(_JETS, context.settings.seed)
    changes = {}
    for label, tagger in networks.items():
        before = logits_of(context, tagger, tracks, vertices)
        changes[label] = max(
            largest_change(
                before, logits_of(context, tagger, tracks[:, :, slots], vertices[:, :, others])
            )
            for slots, others in orders
        )
    return changes


def _of_jets(
    context: Context, tagger: Tagger, order: tuple[NDArray[np.integer], NDArray[np.integer]]
) -> tuple[dict[str, Any], JetSet]:
    """Return AUCs, curves and the change of logits of jets with permuted slots, and the jets."""
    found = _logits_in_both_orders(context, tagger, order)
    count, known = len(found["labels"]), ~found["unlabelled"]
    unlabelled = int((~known).sum())
    removed = context.settings.corrected
    used = known if removed else slice(None)
    targets = found["labels"][used]
    largest = largest_change(found["before"], found["after"])
    scores = {name: probability_of_top(found[name])[used] for name in _LOOKS}
    gap = auc_difference_interval(scores["after"], scores["before"], targets)
    values = {
        "invariance": {"auc_difference": in_points(gap), "jets_max_relative_difference": largest},
        "auc": {
            name: in_points(auc_interval(rank_jets(score, targets)))
            for name, score in scores.items()
        },
        "curves": {name: curves_of(score, targets)["roc"] for name, score in scores.items()},
    }
    record = context.record
    description = jets_in_words(context, count, unlabelled, removed=removed)
    rows = np.arange(len(targets))
    return values, JetSet(targets, rows, record.kind, description, record.data(count))


def _logits_in_both_orders(
    context: Context, tagger: Tagger, order: tuple[NDArray[np.integer], NDArray[np.integer]]
) -> Arrays:
    """Return the logits of all jets, before and after, with their labels; stopped, it goes on."""
    slots, others = order
    key = key_of_record(context, [tagger], "permuted slots", fingerprint(order))
    with context.stopped.rows(key) as done:
        left = context.record.iter_jets(start=done.done)
        for jets in context.progress_of_jets(left, "permuted jets", done=done.done):
            moved = jets.tracks[:, :, slots], jets.vertices[:, :, others]
            done.add(
                {
                    "before": logits_of(context, tagger, jets.tracks, jets.vertices),
                    "after": logits_of(context, tagger, *moved),
                    "labels": jets.labels,
                    "unlabelled": jets.unlabelled,
                }
            )
    return done.all()


def _draw_changes(axes: Axes, result: Result) -> None:
    changes = result.values["invariance"]["models"]
    axes.plot(list(changes.values()), np.arange(len(changes)), "o", color="#1f4e96", ms=5)
    (allowed,) = (claim["tolerance"] for claim in result.claims if claim["id"] == _TOLERANCE)
    if allowed is not None:
        axes.axvline(allowed, color="black", ls="--", lw=1, label="the most that is accepted")
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1))
    axes.set_xscale("log")
    axes.set_xlim(1e-8, 1e-3)
    name_rows(axes, [short_label(label) for label in changes])
    axes.set_ylim(len(changes) - 0.4, -1.6)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("largest relative change of a logit")


def largest_change(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return the largest change of a logit, divided by the larger |logit| of its jet.

    Args:
        before: (n, 2).
        after: (n, 2).

    >>> largest_change(np.array([[2.0, -4.0]]), np.array([[2.0, -5.0]]))
    0.25
    """
    scale = np.abs(before).max(axis=1, keepdims=True).astype(np.float64)
    return float((np.abs(after.astype(np.float64) - before) / scale).max())
