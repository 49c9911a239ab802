"""F25: background rejection against signal efficiency, PFN alone and all baselines together."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.errors import NotAvailable
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.figures.scoring import ScoredJets, score_jets_of
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval, rejection_interval
from repro.metrics.roc import rank_jets
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "render"]

_PFN = "pfn"
_TITLES = {
    "topodnn": "TopoDNN",
    "mbns": "MBNS",
    "pfn": "PFN",
    "pfin:sum": "PFIN, sum",
    "pfin:cat": "PFIN, cat",
}
# Okabe and Ito's, which colour-blind eyes tell apart; strokes do so in grey.
_COLOURS = dict(zip(_TITLES, ("#5f5f5f", "#d55e00", "#0072b2", "#009e73", "#cc79a7"), strict=True))
_STROKES = dict(zip(_TITLES, (":", "--", "-", "-.", (0, (5, 1, 1, 1, 1, 1))), strict=True))
_CAPTION = (
    "Rejection: one over the share of the QCD jets that pass a cut, against the share of the top "
    "jets that do. Shaded: 95 % intervals (Clopper–Pearson), without upper end where few QCD jets "
    "pass. Left: all jets; right: those that every network has inputs for."
)
_PERCENT = range(5, 96)
_BEYOND = 1e9


def compute(context: Context) -> Result:
    """Return the rejection of each model at 91 signal efficiencies, with 95 % intervals.

    PFN is taken on all jets; all models together on those that each of them has inputs for.
    """
    taggers, notes = _taggers(context)
    scored: dict[str, ScoredJets] = {}
    for family, members in _by_family(taggers).items():
        try:
            scored |= dict.fromkeys(members, score_jets_of(context, family, members))
        except NotAvailable as problem:
            if family == _PFN:
                raise
            notes += [f"{_TITLES[name]} is left out: {problem}" for name in members]
    taggers = {name: tagger for name, tagger in taggers.items() if name in scored}
    whole = scored[_PFN].jets
    rows = functools.reduce(np.intersect1d, [found.jets.rows for found in scored.values()])
    alone = _curve(scored[_PFN].scores[_PFN], whole.labels)
    together = {}
    for name, found in scored.items():
        shared = np.isin(found.jets.rows, rows)
        together[name] = _columns(_curve(found.scores[name][shared], found.jets.labels[shared]))
    about = f"{len(rows):,} jets that each model has inputs for, of {whole.description}"
    everyone = context.evidence(whole, *taggers.values())
    return context.result(
        "toptag/fig25",
        whole,
        taggers.values(),
        {
            "rejection": {f"{percent:02d}": at for percent, at in alone.items()},
            "signal_efficiency": [percent / 100 for percent in _PERCENT],
            "models": together,
            "jets_of_all_models": len(rows),
        },
        evidence={
            "rejection": context.evidence(whole, taggers[_PFN]),
            "models": dataclasses.replace(everyone, description=about),
        },
        notes=notes,
    )


def render(result: Result) -> Figure:
    """Draw PFN alone with what was read off the paper, and all models together."""
    figure = new_figure(11, 5.2)
    alone, together = figure.subplots(1, 2, sharey=True)
    efficiency = np.array(result.values["signal_efficiency"])
    points = result.values["rejection"].values()
    value = [point["value"] for point in points]
    ends = [point.get("interval") or [None, None] for point in points]
    _draw(alone, efficiency, (value, *zip(*ends, strict=True)), _PFN)
    stated = {int(claim["id"][-2:]) / 100: claim["expected"] for claim in result.claims}
    if stated:
        alone.plot(
            list(stated), list(stated.values()), "D", mfc="white", mec="black", label="the paper"
        )
    for name, curve in result.values["models"].items():
        _draw(together, efficiency, (curve["value"], curve["low"], curve["high"]), name)
    highest = max(at for at in (*value, *stated.values()) if at is not None)
    for axes in (alone, together):
        axes.set(yscale="log", xlim=(0, 1), ylim=(3, 5 * highest))
        axes.set_xlabel(r"signal efficiency $\epsilon_S$ (top jets)")
        axes.legend(loc="upper right")
    alone.set_ylabel(r"background rejection $1/\epsilon_B$ (QCD jets)")
    alone.set_title("PFN")
    together.set_title(f"all networks, {result.values['jets_of_all_models']:,} jets")
    footer(figure, result, _CAPTION)
    return figure


def _taggers(context: Context) -> tuple[dict[str, Tagger], list[str]]:
    """Return the models that there are, and what is to be said of the others."""
    found, notes = {}, []
    for name, title in _TITLES.items():
        try:
            found[name] = context.tagger(name)
        except NotAvailable as problem:
            if name == _PFN:
                raise
            notes.append(f"{title} is left out: {problem}")
    return found, notes


def _by_family(taggers: Mapping[str, Tagger]) -> dict[str, dict[str, Tagger]]:
    """Return the taggers that share their inputs."""
    families: dict[str, dict[str, Tagger]] = {}
    for name, tagger in taggers.items():
        families.setdefault(tagger.card.family, {})[name] = tagger
    return families


def _curve(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> dict[int, Interval]:
    """Return the rejection by signal efficiency in per cent."""
    ranking = rank_jets(scores, labels)
    return {percent: rejection_interval(ranking, percent / 100) for percent in _PERCENT}


def _columns(curve: dict[int, Interval]) -> Intervals:
    """Return the points of a curve as columns, each (91,)."""
    points = np.array([(point.value, point.low, point.high) for point in curve.values()])
    value, low, high = points.T
    return Intervals(value, low, high, curve[_PERCENT[0]].level)


def _draw(axes: Axes, efficiency: NDArray[np.float64], curve: Sequence[Any], name: str) -> None:
    """Draw a curve and its band; an end that is infinite lies beyond the picture."""
    value, low, high = (np.array(numbers, dtype=float) for numbers in curve)
    axes.plot(efficiency, value, color=_COLOURS[name], ls=_STROKES[name], label=_TITLES[name])
    upper = np.where(np.isnan(high), _BEYOND, high)
    known = ~np.isnan(value)
    axes.fill_between(efficiency, low, upper, where=known, color=_COLOURS[name], alpha=0.12, lw=0)
