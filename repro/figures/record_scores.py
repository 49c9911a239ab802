"""Scores of jets of record 12102 by any number of Interaction Networks, in one pass.

Scores, labels and sums of activations are kept; tracks and vertices, 8 kB a jet, are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.explain.activation_patterns import ActivityCounter
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.interaction import CLASSES
from repro.figures.performance import sparsities_of
from repro.metrics.intervals import (
    Interval,
    Placements,
    auc_interval,
    difference_interval,
    placements,
)
from repro.metrics.means import mean_intervals
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.models.tagger import Tagger
from repro.models.track_scoring import TrackScores, iter_track_scores
from repro.results.evidence import Evidence, rate

__all__ = ["RecordScores", "fidelity", "jets_in_words", "score_record"]


@dataclass(frozen=True, eq=False)
class RecordScores(TrackScores):
    """Scores of jets by label of the network, and the activity in the networks.

    Jets without a label are background.

    Attributes:
        sparsity: By label of the network, see :func:`repro.figures.performance.sparsities_of`.
    """

    sparsity: dict[str, dict[str, Interval]]
    _baselines: dict[str, Placements] = field(default_factory=dict, init=False, repr=False)

    def row(self, label: str, baseline: str) -> dict[str, Any]:
        """Return AUC, fidelity and sparsity of a network, per cent, with intervals.

        Args:
            label: Of the network.
            baseline: Label of the one that it is compared with.
        """
        mine, first, labels = self.scores[label], self.scores[baseline], self.labels
        known = ~self.unlabelled
        gap = difference_interval(placements(mine, labels), self._place_baseline(baseline))
        return {
            "auc": in_points(auc_interval(rank_jets(mine, labels))),
            "auc_without_unlabelled": in_points(
                auc_interval(rank_jets(mine[known], labels[known]))
            ),
            "auc_minus_baseline": in_points(gap),
            "fidelity": fidelity(mine, first),
            **self.sparsity[label],
        }

    def _place_baseline(self, label: str) -> Placements:
        """Return the placements of the jets, computed once: every row asks for them."""
        if label not in self._baselines:
            self._baselines[label] = placements(self.scores[label], self.labels)
        return self._baselines[label]

    def jets(self, context: Context) -> JetSet:
        """Return the jets as results describe them."""
        record, count = context.record, len(self.labels)
        description = jets_in_words(context, count, int(self.unlabelled.sum()))
        rows = np.arange(count)
        return JetSet(self.labels, rows, record.kind, description, record.data(count))

    def evidence(self, context: Context, own_weights: bool) -> Evidence:
        """Return what numbers from these jets rest on."""
        jets = self.jets(context)
        return Evidence(rate(jets.kind, self.labels), jets.description, own_weights)


def score_record(context: Context, taggers: Mapping[str, Tagger]) -> RecordScores:
    """Score the jets of the record that the settings lead to.

    Args:
        context: Gives the jets.
        taggers: Interaction Networks by label.

    Raises:
        BadInput: If the jets cannot be used, or are fewer than two of a class.
        MissingData: If they are not there.
        DownloadFailed: If the network fails.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """
    counters = {
        label: ActivityCounter(tagger.network, context.device) for label, tagger in taggers.items()
    }
    chunks = context.progress(context.record.iter_jets(), "jets")
    found = TrackScores.joined(iter_track_scores(chunks, taggers, context.device, counters))
    sparsity = {
        label: sparsities_of(counter, context.settings.seed, "sparsity", CLASSES)
        for label, counter in counters.items()
    }
    return RecordScores(found.scores, found.labels, found.unlabelled, sparsity)


def jets_in_words(context: Context, jets: int, unlabelled: int, *, removed: bool = False) -> str:
    """Return what jets numbers are of, and what is done with those without a label.

    Args:
        context: Gives the files.
        jets: How many were looked at.
        unlabelled: How many of them have no label.
        removed: Whether these are left out.
    """
    done = "left out" if removed else "taken for background"
    return f"{context.record.describe(jets)}, {unlabelled:,} of them without a label and {done}"


def fidelity(first: NDArray[np.floating], second: NDArray[np.floating]) -> Interval:
    """Return 100 · (1 - mean |difference of two networks' scores|), with its interval.

    >>> fidelity(np.array([0.5, 1.0]), np.array([0.25, 0.75])).value
    75.0
    """
    gaps = np.abs(first.astype(np.float64) - second)
    mean = mean_intervals(gaps[:, None])
    value, low, high = (100 * (1 - float(end[0])) for end in (mean.value, mean.high, mean.low))
    return Interval(value, low, min(high, 100.0), mean.level)
