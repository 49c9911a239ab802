"""F8: input distributions that explain where the drop in AUC misleads."""

import dataclasses
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.drawing import figure_without_jets
from repro.figures.input_distributions import (
    FIRST_JETS,
    TRACKS,
    VERTICES,
    ClassInputs,
    Members,
    joined,
    read_inputs,
)
from repro.figures.input_panels import draw_inputs
from repro.figures.interaction import CLASSES, needs_jets
from repro.figures.masked_scores import NO_LABEL
from repro.figures.record_scores import jets_in_words
from repro.metrics.bootstrap import Intervals
from repro.metrics.clustered import clustered_correlations, ratio_of_sums
from repro.metrics.intervals import Interval
from repro.metrics.means import mean_intervals
from repro.metrics.quantiles import quantile_intervals
from repro.results.document import Result, named
from repro.results.evidence import Evidence, rate

__all__ = ["compute", "render"]

# The authors' histogram is of 100 batches of 1024 jets.
_AUTHORS_JETS = 102_400
# Points of each class that are drawn, and kept in the result.
_POINTS = 500
_DIGITS = 4
_WEDGE = {"low": 0.01, "median": 0.5, "high": 0.99}
_QUANTILES = tuple(_WEDGE.values())
_SCALED = (
    f"Slots with quality zero and five are counted in all jets, and scaled to {_AUTHORS_JETS:,} "
    "jets, of which the authors' histogram is."
)
_FIRST = (
    f"Correlations are of the tracks in the first 15 slots, and of the vertices, of the first "
    f"{FIRST_JETS:,} jets of each class, empty slots left out; intervals are from draws of whole "
    "jets. wedge has quantiles of sv_pt / sv_ptrel in GeV, the momentum of the jet, of one vertex "
    "each."
)
_CAPTION = (
    f"Points: some tracks in the first 15 slots, and vertices, of the first {FIRST_JETS:,} jets of "
    "each class. Numbers: Pearson correlations, QCD above H to bb. Lines: 1 and 99 % of "
    "sv_pt / sv_ptrel. track_quality is a flag: 5 for nearly all tracks, 0 for empty slots."
)


def compute(context: Context) -> Result:
    """Count qualities of tracks, and correlate features of tracks and of vertices, by class."""
    if not context.record:
        return needs_jets(context, "hbb/fig8")
    found, labels, lacking = read_inputs(context)
    corrected, seed = context.settings.corrected, context.settings.seed
    total = len(labels) + (lacking if corrected else 0)
    description = jets_in_words(context, total, lacking, removed=corrected)
    kind, data = context.record.kind, context.record.data(total)
    tracks = {name: joined(one.tracks) for name, one in found.items()}
    vertices = {name: joined(one.vertices) for name, one in found.items()}
    shares = {name: _share_of_good(one) for name, one in found.items()}
    values: dict[str, Any] = {
        "track_quality": {
            name: {
                "zeros": _scaled(one.zeros, len(labels)),
                "fives": _scaled(one.good, len(labels)),
            }
            for name, one in found.items()
        },
        "qualities": {
            name: {f"{value:g}": count for value, count in sorted(one.qualities.items())}
            for name, one in found.items()
        },
        "tracks_per_jet": {name: _mean(np.concatenate(one.filled)) for name, one in found.items()},
        "share_of_fives": shares | {"hbb_minus_qcd": _gap(shares["hbb"], shares["qcd"])},
        "correlation": {
            name: _correlations(tracks[name], TRACKS, seed)
            | _correlations(vertices[name], VERTICES, seed)
            for name in CLASSES
        },
        "wedge": {name: _wedge(vertices[name]) for name in CLASSES},
        "points": {
            name: {
                "tracks": _points(tracks[name], TRACKS),
                "vertices": _points(vertices[name], VERTICES),
            }
            for name in CLASSES
        },
    }
    return context.result(
        "hbb/fig8",
        JetSet(labels, np.arange(len(labels)), kind, description, data),
        [],
        values,
        evidence={"": Evidence(rate(kind, labels), description)},
        settings={"first_jets": FIRST_JETS},
        notes=[_SCALED, _FIRST, NO_LABEL[corrected]],
    )


def render(result: Result) -> Figure:
    """Draw the scatter matrix; beside it the histogram and the two scatters of vertices."""
    return draw_inputs(result, _CAPTION) if result.data["jets"] else figure_without_jets(result)


def _scaled(parts: list[NDArray[np.int64]], jets: int) -> Interval:
    """Return the slots in so many jets as the authors', from those in jets of one class."""
    # Jets of the other class have none.
    counts = np.zeros(jets)
    mine = np.concatenate(parts)
    counts[: len(mine)] = mine
    mean = _mean(counts)
    value, low, high = (_AUTHORS_JETS * end for end in (mean.value, mean.low, mean.high))
    return Interval(value, low, high, mean.level)


def _mean(values: NDArray[Any]) -> Interval:
    return mean_intervals(values.astype(np.float64)[:, None])[0]


def _share_of_good(one: ClassInputs) -> Interval:
    """Return the share of tracks with quality five."""
    found = ratio_of_sums(np.concatenate(one.good), np.concatenate(one.filled))
    return dataclasses.replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def _gap(first: Interval, second: Interval) -> Interval:
    """Return the difference of numbers of different jets."""
    value = first.value - second.value
    half = float(np.hypot(first.high - first.low, second.high - second.low)) / 2
    return Interval(value, value - half, value + half, first.level)


def _correlations(members: Members, names: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Return the correlations by the two names; none where there are too few jets."""
    if len(np.unique(members.jets)) < 2:
        return {name: dict.fromkeys(names) for name in names}
    found = clustered_correlations(members.values, members.jets, seed)
    return {
        name: named(names, Intervals(found.value[i], found.low[i], found.high[i], found.level))
        for i, name in enumerate(names)
    }


def _wedge(members: Members) -> dict[str, Any] | None:
    """Return quantiles of the ratio that is the momentum of the jet, one vertex of each jet."""
    momentum, share = (members.values[:, VERTICES.index(name)] for name in ("sv_pt", "sv_ptrel"))
    known = np.flatnonzero(share > 0)
    if not len(known):
        return None
    _, first = np.unique(members.jets[known], return_index=True)
    chosen = known[first]
    return named(tuple(_WEDGE), quantile_intervals(momentum[chosen] / share[chosen], _QUANTILES))


def _points(members: Members, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Return some of the members, evenly spaced, by feature."""
    step = max(1, -(-len(members.values) // _POINTS))
    return {
        name: [float(f"{value:.{_DIGITS}g}") for value in members.values[::step, i]]
        for i, name in enumerate(names)
    }
