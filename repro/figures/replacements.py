"""Drops in AUC with a feature replaced in other ways than by zero, on some of the jets.

Zero is what the study took.  It lies outside what some features can be, so a drop mixes what the
network learns from a feature with how it takes what it never saw.  A mean stays inside; values of
other tracks, or of tracks alike in all else, are real ones.  Means and exchanges need all jets at
once, so they are made of some jets, drawn evenly.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.jets import HbbJets, join_jets
from repro.explain.occlusion import explain_by_occlusion
from repro.explain.permutation import explain_by_permutation
from repro.explain.problem import Explanation
from repro.features.interaction import interaction_features, interaction_inputs
from repro.figures.context import Context
from repro.figures.feature_sets import features_of
from repro.figures.interaction import FAMILY
from repro.figures.masked_scores import masked_scores
from repro.figures.tracks import track_problem

__all__ = ["REPLACEMENTS", "compared_rows", "replacement_drops"]

REPLACEMENTS = ("zero", "mean", "permutation", "conditional")

_JETS = 6000
"""7.5 kB each, several times over; and each costs 132 evaluations of the network."""


def replacement_drops(context: Context) -> dict[str, Explanation]:
    """Return the drops in AUC with each feature replaced, by the replacement, on the same jets.

    Raises:
        BadInput: If jets are too few of a class, or for conditional values.
    """
    scores = masked_scores(context)
    rows = compared_rows(len(scores.labels), context.settings.seed)
    jets, tagger = _jets_at(context, rows), context.tagger(FAMILY)
    inputs = tagger.prepare(
        interaction_inputs(jets.tracks, jets.vertices), interaction_features()
    ).astype(np.float32, copy=False)
    problem = track_problem(context, inputs, jets.labels, tagger)
    return {
        "zero": scores.take(rows).drops(features_of("both")),
        "mean": explain_by_occlusion(problem, replacement="mean"),
        "permutation": explain_by_permutation(problem),
        "conditional": explain_by_occlusion(problem, replacement="conditional"),
    }


def compared_rows(jets: int, seed: int) -> NDArray[np.int64]:
    """Return which of so many jets are taken, in their order.

    >>> compared_rows(5, 0).tolist(), len(compared_rows(100_000, 0))
    ([0, 1, 2, 3, 4], 6000)
    """
    if jets <= _JETS:
        return np.arange(jets)
    return np.sort(np.random.default_rng(seed).choice(jets, _JETS, replace=False))


def _jets_at(context: Context, rows: NDArray[np.int64]) -> HbbJets:
    """Return some jets, read in chunks; rows are those among the jets that count."""
    parts, start = [], 0
    policy: Any = "removed" if context.settings.corrected else "background"
    for jets in context.progress_of_jets(context.record.iter_jets(policy), "jets"):
        mine = rows[(rows >= start) & (rows < start + len(jets))] - start
        parts.append(jets.take(mine))
        start += len(jets)
    return join_jets(parts)
