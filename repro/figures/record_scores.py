"""Scores of jets of record 12102 by any number of Interaction Networks, in one pass over them.

Scores, labels and the activity of the networks are kept; tracks and vertices, 8 kB a jet, are not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.hbb.jets import HbbJets
from repro.data.kept_rows import Arrays, add_prefix, take_prefix
from repro.errors import BadInput
from repro.explain.activation_patterns import ActivityCounter
from repro.explain.activity_contrast import ActivityContrast, contrast_classes
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.interaction import CLASSES
from repro.figures.stopped import key_of_record
from repro.metrics.fidelity import fidelity
from repro.metrics.intervals import (
    Interval,
    Placements,
    auc_interval,
    difference_interval,
    placements,
)
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.models.cards import BASELINE
from repro.models.scores import probability_of_top, score
from repro.models.tagger import Tagger
from repro.models.track_scoring import TrackScores
from repro.results.evidence import Evidence, rate

__all__ = [
    "JETS_OF_PATTERNS",
    "RecordScores",
    "Watched",
    "jets_in_words",
    "networks_on_record",
    "score_record",
]

JETS_OF_PATTERNS = 100_000
"""Neuron activity is that of the first so many jets, as published: those of one file."""


@dataclass(frozen=True)
class Watched:
    """Whose neuron activity is looked at, and how.

    Attributes:
        label: Of the network.
        fired: Whether activations count as 1 where they are not zero.
    """

    label: str
    fired: bool = False


@dataclass(frozen=True, eq=False)
class RecordScores(TrackScores):
    """Scores of jets by label of the network, and the activity in the networks.

    Jets without a label are background, or corrected (H1, H2) they are not there, and padding
    takes no part in the activity.

    Attributes:
        activity: Of networks that were watched.
        left_out: How many jets without a label there were besides.
    """

    activity: dict[Watched, ActivityContrast]
    left_out: int = 0
    _baselines: dict[str, Placements] = field(default_factory=dict, init=False, repr=False)

    def row(self, label: str, baseline: str) -> dict[str, Any]:
        """Return AUC, fidelity and sparsity of a network, per cent, with intervals.

        Args:
            label: Of the network.
            baseline: Label of the one that it is compared with.
        """
        mine, labels = self.scores[label], self.labels
        known = ~self.unlabelled
        sparsity = self.activity[Watched(label)].sparsity
        return {
            "auc": in_points(auc_interval(rank_jets(mine, labels))),
            "auc_without_unlabelled": in_points(
                auc_interval(rank_jets(mine[known], labels[known]))
            ),
            "auc_minus_baseline": self.auc_difference(label, baseline),
            "fidelity": fidelity(mine, self.scores[baseline]),
            **{f"sparsity_{name}": found for name, found in sparsity.items()},
        }

    def auc_difference(self, label: str, other: str) -> Interval:
        """Return AUC of one network minus that of another one, in points, paired (DeLong)."""
        first, second = (self._place(name) for name in (label, other))
        return in_points(difference_interval(first, second))

    def _place(self, label: str) -> Placements:
        """Return the placements of the jets; the baseline's, for which every row asks, once."""
        if label != BASELINE:
            return placements(self.scores[label], self.labels)
        if label not in self._baselines:
            self._baselines[label] = placements(self.scores[label], self.labels)
        return self._baselines[label]

    def jets(self, context: Context) -> JetSet:
        """Return the jets as results describe them."""
        record, count = context.record, len(self.labels) + self.left_out
        removed = context.settings.corrected
        unlabelled = self.left_out if removed else int(self.unlabelled.sum())
        description = jets_in_words(context, count, unlabelled, removed=removed)
        rows = np.arange(len(self.labels))
        return JetSet(self.labels, rows, record.kind, description, record.data(count))

    def evidence(
        self, context: Context, own_weights: bool, *, without_unlabelled: bool = False
    ) -> Evidence:
        """Return what numbers from these jets rest on.

        Args:
            context: Gave the jets.
            own_weights: Whether the weights are not the authors'.
            without_unlabelled: Whether the numbers leave jets without a label out.
        """
        jets = self.jets(context)
        labels, description = self.labels, jets.description
        if without_unlabelled:
            labels = labels[~self.unlabelled]
            unlabelled = self.left_out + int(self.unlabelled.sum())
            description = jets_in_words(context, len(labels) + unlabelled, unlabelled, removed=True)
        return Evidence(rate(jets.kind, labels), description, own_weights)


def networks_on_record(context: Context, networks: Mapping[str, Tagger]) -> RecordScores:
    """Return the scores of networks and their activity, that of the baseline also unweighted.

    Computed once in a run.

    Args:
        context: Gives the jets.
        networks: All that there are, by label (:func:`repro.figures.interaction.load_each`).

    Raises:
        BadInput, MissingData, DownloadFailed, NotAvailable: As :func:`score_record`.
    """

    def compute() -> RecordScores:
        return score_record(context, networks, [Watched(BASELINE, fired=True)])

    found: RecordScores = context.once(("networks on the record", *networks), compute)
    return found


def score_record(
    context: Context, taggers: Mapping[str, Tagger], further: Iterable[Watched] = ()
) -> RecordScores:
    """Score the jets of the record that the settings lead to, and sum activations on the way.

    What is stopped goes on where it stopped.

    Args:
        context: Gives the jets.
        taggers: Interaction Networks by label.
        further: What to watch besides the activity of each network, which costs a pass each.

    Raises:
        BadInput: If the jets cannot be used, or are fewer than two of a class.
        MissingData: If they are not there.
        DownloadFailed: If the network fails.
        NotAvailable: If a library of the extra ``root`` is needed and not installed.
    """
    corrected = context.settings.corrected
    watched = [*map(Watched, taggers), *further]
    counters = {
        one: ActivityCounter(
            taggers[one.label].network, context.device, fired=one.fired, padding=not corrected
        )
        for one in watched
    }
    corrected_or_not = "corrected" if corrected else "as published"
    key = key_of_record(context, taggers.values(), watched, corrected_or_not)
    with context.stopped.rows(key) as done:
        _restore(counters, done.state)
        seen = done.done
        left = context.record.iter_jets(start=seen)
        chunks = context.progress_of_jets(left, "scores", done=seen)
        for part in _look(chunks, taggers, counters, context.device, seen, corrected=corrected):
            done.add(part.rows(), lambda: _state_of(counters))
    found = TrackScores.of_rows(done.all())
    left_out = 0
    if corrected:
        known = ~found.unlabelled
        left_out = int((~known).sum())
        scores = {label: of_all[known] for label, of_all in found.scores.items()}
        found = TrackScores(scores, found.labels[known], found.unlabelled[known])
    seed = context.settings.seed
    activity = {one: contrast_classes(counters[one], CLASSES, seed) for one in watched}
    if np.bincount(found.labels, minlength=2).min() < 2:
        raise BadInput(
            f"{context.record.describe(len(found.labels))}: fewer than two of a class: give more"
        )
    return RecordScores(found.scores, found.labels, found.unlabelled, activity, left_out)


def _look(
    chunks: Iterable[HbbJets],
    taggers: Mapping[str, Tagger],
    counters: Mapping[Watched, ActivityCounter],
    device: str,
    seen: int,
    *,
    corrected: bool,
) -> Iterator[TrackScores]:
    """Yield the scores of each chunk of jets, and count activations of the first of them."""
    features = interaction_features()
    for jets in chunks:
        inputs = interaction_inputs(jets.tracks, jets.vertices)
        watch = np.arange(seen, seen + len(jets)) < JETS_OF_PATTERNS
        if corrected:
            watch &= ~jets.unlabelled
        seen += len(jets)
        scores = {}
        for label, tagger in taggers.items():
            rows = tagger.prepare(inputs, features)
            mine = {one: counter for one, counter in counters.items() if one.label == label}
            if not corrected and watch.all():
                counter = mine.pop(Watched(label))
                scores[label] = _score_and_count(tagger, rows, jets.labels, counter, device)
            else:
                scores[label] = score(tagger, rows, device)
            for counter in mine.values():
                counter.add(rows[watch], jets.labels[watch])
        yield TrackScores(scores, jets.labels, jets.unlabelled)


def _state_of(counters: Mapping[Watched, ActivityCounter]) -> Arrays:
    """Return what the counters have summed up, by their number."""
    state: dict[str, NDArray[Any]] = {}
    for number, counter in enumerate(counters.values()):
        state |= add_prefix(f"{number}.", counter.state())
    return state


def _restore(counters: Mapping[Watched, ActivityCounter], state: Arrays) -> None:
    for number, counter in enumerate(counters.values()):
        counter.restore(take_prefix(f"{number}.", state))


def _score_and_count(
    tagger: Tagger,
    rows: NDArray[np.floating],
    labels: NDArray[np.integer],
    counter: ActivityCounter,
    device: str,
) -> NDArray[np.floating]:
    """Return P(H→bb̄), and count the activations: what is classified is the sum of the last ones.

    One pass gives both.
    """
    network: Any = tagger.network.to(device)
    inputs = torch.from_numpy(np.ascontiguousarray(rows)).to(device)
    with torch.inference_mode():
        sums = network.summed_activations(inputs)
        counter.add_activations(sums, labels)
        logits = network.classifier(sums[-1])
    return probability_of_top(logits.cpu().numpy())


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
