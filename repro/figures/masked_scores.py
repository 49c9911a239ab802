"""Scores of the Interaction Network with masks on its inputs, of all jets in one pass over them.

A mask sets columns of the inputs to zero, in every slot, as published: one feature of all tracks or
of all vertices, several of them, or all features of the hardest or softest tracks.  What several
items show is computed once for a run.  Kept are the scores of all jets, four bytes for each mask;
never the tracks.

A score is the logit of H→bb̄ minus that of QCD: it orders jets as the probability does, and does
not saturate.

Sources:
    arXiv:2211.12770; dossier, sections 1.4 to 1.6, 4.2 and 4.3.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from repro.data.hbb.features import TRACK_SLOTS
from repro.explain.occlusion import drops_from_logits
from repro.explain.problem import Explanation
from repro.features.interaction import (
    interaction_features,
    interaction_groups,
    interaction_inputs,
    slots_of_tracks,
    sort_tracks,
)
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.feature_sets import (
    FoundSets,
    columns_of,
    features_of,
    find_sets,
    flat,
    published_sets,
)
from repro.figures.interaction import FAMILY
from repro.figures.masked_tracks import scores_with_masks
from repro.figures.record_scores import jets_in_words
from repro.figures.stopped import key_of_record
from repro.metrics.bootstrap import Intervals
from repro.metrics.fidelity import fidelity
from repro.models.interaction_network import InteractionNetwork
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence, rate

__all__ = [
    "FIRST",
    "LAST",
    "NO_LABEL",
    "MaskedScores",
    "baseline_scores",
    "feature_drops",
    "found_scores",
    "kept",
    "masked_scores",
    "score_masks",
]

FIRST, LAST = (1, 5, 10, 20, 30, 40, 50), (10, 20, 30, 40, 50)
"""So many of the 60 slots are masked, from the hardest track on or up to the softest one."""

NO_LABEL = {
    False: "Jets without a label count as background, as published (H1); --corrected leaves them "
    "out.",
    True: "Jets without a label are left out; as published, they count as background (H1).",
}

_LABELS, _UNLABELLED = "jet.labels", "jet.unlabelled"
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class MaskedScores:
    """Scores of the same jets with nothing masked, and with each of some masks.

    Attributes:
        plain: (n,), float32, with nothing masked.
        masked: By the name of the mask, (n,) each.
        labels: (n,), 1 for H→bb̄, 0 for others.
        unlabelled: (n,), which of the others are not QCD either.
        jets: How many were looked at, with those that were left out.
    """

    plain: NDArray[np.float32]
    masked: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]
    jets: int

    def of(self, name: str) -> NDArray[np.float32]:
        """Return the scores with a mask, or with none if the name is empty."""
        return self.masked[name] if name else self.plain

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "MaskedScores":
        """Return the scores of some of the jets."""
        return dataclasses.replace(
            self,
            plain=self.plain[rows],
            masked={name: scores[rows] for name, scores in self.masked.items()},
            labels=self.labels[rows],
            unlabelled=self.unlabelled[rows],
        )

    def drops(self, names: Sequence[str], labels: Sequence[str] = ()) -> Explanation:
        """Return 100·(AUC - AUC with a mask) for each of some masks, and the fidelities.

        Args:
            names: Of masks; an empty name is no mask.
            labels: Names for the numbers; by default those of the masks.

        Raises:
            BadInput: If there are fewer than two jets of a class.
        """
        logits = self.plain.astype(np.float64)
        scores = expit(logits)
        alike = [fidelity(scores, expit(self.of(name).astype(np.float64))) for name in names]
        masked = (self.of(name).astype(np.float64) for name in names)
        drops, whole = drops_from_logits(logits, masked, self.labels, _LEVEL)
        return Explanation(
            "occlusion",
            "percentage points",
            tuple(labels or names),
            {"all": drops},
            details={"auc": whole, "fidelity": Intervals.of(alike, _LEVEL)},
        )

    def described(self, context: Context) -> JetSet:
        """Return the jets as results describe them."""
        removed = context.settings.corrected
        lacking = self.jets - len(self.labels) if removed else int(self.unlabelled.sum())
        description = jets_in_words(context, self.jets, lacking, removed=removed)
        record, rows = context.record, np.arange(len(self.labels))
        return JetSet(self.labels, rows, record.kind, description, record.data(self.jets))

    def result(
        self,
        context: Context,
        item_id: str,
        tagger: Tagger,
        values: Mapping[str, Any],
        *,
        notes: Iterable[str],
        settings: Mapping[str, Any] | None = None,
        without_unlabelled: Iterable[str] = (),
    ) -> Result:
        """Return the result of an item whose numbers come from these scores.

        Args:
            context: Gave the jets.
            item_id: Of the item.
            tagger: The network.
            values: The numbers.
            notes: What should be known of them.
            settings: How they were computed.
            without_unlabelled: Paths of numbers that leave jets without a label out.
        """
        jets = self.described(context)
        evidence = Evidence(rate(jets.kind, self.labels), jets.description, tagger.own_weights)
        kept = self.labels[~self.unlabelled]
        about = jets_in_words(context, self.jets, self.jets - len(kept), removed=True)
        left = Evidence(rate(jets.kind, kept), about, tagger.own_weights)
        return context.result(
            item_id,
            jets,
            [tagger],
            values,
            evidence={"": evidence, **dict.fromkeys(without_unlabelled, left)},
            settings=settings,
            notes=notes,
        )


def baseline_scores(context: Context) -> MaskedScores:
    """Return the scores with nothing masked, of all jets whatever their label.

    Raises:
        BadInput, MissingData, DownloadFailed, NotAvailable: As
            :meth:`repro.figures.record_jets.RecordFiles.iter_jets`.
    """
    return cast("MaskedScores", context.once("hbb/baseline", lambda: score_masks(context, {})))


def masked_scores(context: Context) -> MaskedScores:
    """Return the scores with each feature masked, each published set, the first and last tracks.

    Masks are named after the feature, or ``first.5``, ``last.10``, ``published.001.tracks``.
    Corrected, jets without a label are left out (H1).

    Raises:
        BadInput, MissingData, DownloadFailed, NotAvailable: As :func:`baseline_scores`.
    """
    return cast(
        "MaskedScores",
        context.once("hbb/masks", lambda: kept(context, score_masks(context, _masks()))),
    )


def feature_drops(context: Context) -> Explanation:
    """Return the drop in AUC with each feature masked, in percentage points, tracks' first.

    Details have the AUC, and the fidelities.
    """
    names = features_of("both")
    return cast(
        "Explanation", context.once("hbb/drops", lambda: masked_scores(context).drops(names))
    )


def found_scores(context: Context) -> tuple[FoundSets, MaskedScores]:
    """Return the features below each threshold on these jets, and the scores with them masked.

    Masks are named ``found.001.tracks``; where nothing is below, nothing is masked.
    """

    def compute() -> tuple[FoundSets, MaskedScores]:
        found, known = find_sets(feature_drops(context), context.settings.seed), flat(published)
        names = {features: f"published.{key}" for key, features in known.items()} | {(): ""}
        sets = flat(found.sets)
        new = {key: columns_of(each) for key, each in sets.items() if each not in names}
        more = kept(context, score_masks(context, new)) if new else scores
        masked = {
            f"found.{key}": more.masked[key] if key in new else scores.of(names[each])
            for key, each in sets.items()
        }
        return found, dataclasses.replace(scores, masked=masked)

    published, scores = published_sets(), masked_scores(context)
    return cast("tuple[FoundSets, MaskedScores]", context.once("hbb/found", compute))


def score_masks(context: Context, masks: Mapping[str, tuple[int, ...]]) -> MaskedScores:
    """Score all jets with nothing masked and with each mask; memory is that of a chunk of jets.

    What is stopped goes on where it stopped.

    Args:
        context: Gives jets and network.
        masks: Columns by the name of a mask, of tracks sorted by their energy.

    Raises:
        BadInput, MissingData, DownloadFailed, NotAvailable: As :func:`baseline_scores`.
    """
    tagger = context.tagger(FAMILY)
    network, names = tagger.network.to(context.device), interaction_features()
    if not isinstance(network, InteractionNetwork):
        raise TypeError(f"{tagger.card.name} is no Interaction Network")
    # Masks of the same columns are one, by the name of the first.
    first = {columns: name for name, columns in reversed(list(masks.items()))}
    different = {name: columns for columns, name in first.items()}
    with context.stopped.rows(key_of_record(context, [tagger], different)) as done:
        left = context.record.iter_jets(start=done.done)
        for jets in context.progress_of_jets(left, "masks", done=done.done):
            inputs = interaction_inputs(sort_tracks(jets.tracks), jets.vertices)
            columns = tagger.prepare(inputs, names)
            scores = scores_with_masks(network, columns, different, context.device)
            done.add({**scores, _LABELS: jets.labels, _UNLABELLED: jets.unlabelled})
    rows = done.all()
    return MaskedScores(
        rows[""],
        {name: rows[first[columns]] for name, columns in masks.items()},
        rows[_LABELS],
        rows[_UNLABELLED],
        done.done,
    )


def kept(context: Context, scores: MaskedScores) -> MaskedScores:
    """Return the scores of the jets that count."""
    return scores.take(~scores.unlabelled) if context.settings.corrected else scores


def _masks() -> dict[str, tuple[int, ...]]:
    columns = interaction_features()
    slots = {f"first.{count}": range(count) for count in FIRST}
    slots |= {f"last.{count}": range(TRACK_SLOTS - count, TRACK_SLOTS) for count in LAST}
    groups = interaction_groups(columns)
    sets = {f"published.{key}": features for key, features in flat(published_sets()).items()}
    return {
        **groups,
        **{name: slots_of_tracks(columns, some) for name, some in slots.items()},
        **{name: columns_of(features) for name, features in sets.items()},
    }
