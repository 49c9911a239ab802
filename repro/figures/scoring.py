"""Scores of the test jets, by any number of taggers of a family in one pass over the jets.

Only scores, labels and what observers make of the jets are kept: memory does not grow with the
inputs.  The inputs of a variant that standardises them with the moments of the whole set are
looked at twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.features.sample_streams import JetSet, SampleStream
from repro.figures.context import Context
from repro.figures.prepared import scale_of
from repro.models.scores import Observer, score
from repro.models.tagger import Scale, Tagger

__all__ = ["ScoredJets", "score_jets_of"]


@dataclass(frozen=True, eq=False)
class ScoredJets:
    """Jets and their scores.

    Attributes:
        jets: The jets.
        scores: P(top) by the names of the taggers, (n,).  They come in the precision of the
            network, as the authors': equal ones tie in the ROC curve.
    """

    jets: JetSet
    scores: dict[str, NDArray[np.floating]]


def score_jets_of(
    context: Context,
    family: str,
    taggers: Mapping[str, Tagger],
    observers: Mapping[str, Observer] | None = None,
) -> ScoredJets:
    """Score the test jets of a family.

    Args:
        context: Gives the jets.
        family: Whose inputs.
        taggers: Of this family, by any names.
        observers: By the name of the tagger whose inputs they see.

    Raises:
        MissingData: If the source has no jets for this family.
        BadInput: If the jets cannot be used.
        NotAvailable: If subjettiness cannot be computed.
    """
    stream = context.stream(family)
    scales = {
        name: _scale_of(stream, tagger)
        for name, tagger in taggers.items()
        if tagger.card.standardise
    }
    scores: dict[str, list[NDArray[np.floating]]] = {name: [] for name in taggers}
    labels, rows = [], []
    for part in stream:
        labels.append(part.labels)
        rows.append(part.rows)
        for name, tagger in taggers.items():
            inputs = tagger.prepare(part.inputs, stream.features, scales.get(name))
            found = score(tagger, inputs, context.device, corrected=context.settings.corrected)
            scores[name].append(found)
            if observers and name in observers:
                observers[name].add(inputs, part.labels)
    return ScoredJets(
        stream.jet_set(np.concatenate(labels), np.concatenate(rows)),
        {name: np.concatenate(parts) for name, parts in scores.items()},
    )


def _scale_of(stream: SampleStream, tagger: Tagger) -> Scale:
    """Return the moments of the whole set, of the columns that a variant standardises."""
    columns = tagger.card.standardised(stream.features)
    return scale_of(part.inputs[:, columns] for part in stream)
