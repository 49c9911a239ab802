"""Interaction Networks for the items of ``hbb``, and what their weights alone give."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.sample_streams import JetSet, no_jets
from repro.figures.context import Context
from repro.models.cards import load_cards
from repro.models.tagger import Tagger, predict_logits
from repro.results.document import Result, whose_weights
from repro.results.evidence import Evidence, missing

_LOG = logging.getLogger(__name__)

__all__ = [
    "CLASSES",
    "FAMILY",
    "NO_JETS",
    "RANDOM_SPLIT",
    "artificial_in_words",
    "by_class",
    "from_weights",
    "load_networks",
    "logits_of",
    "needs_jets",
    "result_of_weights",
    "rows_of",
    "sorted_labels",
    "without_jets",
]

FAMILY = "in"
RANDOM_SPLIT = "random_split"
"""The network of the study of portability, beside the thirty of the study of explanations."""

CLASSES = ("qcd", "hbb")

NO_JETS: JetSet = no_jets("the weights alone", "artificial jets")

_UNUSED = "this version computes of this item what the weights alone give, whatever jets there are"


def load_networks(context: Context) -> dict[str, Tagger]:
    """Return all published variants by label, those of the random split last.

    Raises:
        NotAvailable: If there are no weights of a variant.
        BadInput: If weights do not fit.
    """
    return {label: context.tagger(f"{FAMILY}:{label}") for label in sorted_labels()}


def sorted_labels() -> list[str]:
    """Return the labels of all published variants, that of the random split last."""
    return sorted(load_cards(FAMILY), key=lambda label: label == RANDOM_SPLIT)


def rows_of(
    tagger: Tagger, tracks: NDArray[np.floating], vertices: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return what a network sees of jets, (n, card.inputs).

    Args:
        tagger: The network.
        tracks: (n, 30, 60).
        vertices: (n, 14, 5).
    """
    return tagger.prepare(interaction_inputs(tracks, vertices), interaction_features())


def logits_of(
    context: Context, tagger: Tagger, tracks: NDArray[np.floating], vertices: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the logits of jets, (n, 2), QCD first."""
    network = tagger.network.to(context.device)
    return predict_logits(network, rows_of(tagger, tracks, vertices), context.device)


def by_class(logits: NDArray[np.floating]) -> dict[str, float]:
    """Return the two logits of a jet by class.

    >>> by_class(np.array([1.0, -2.0]))
    {'qcd': 1.0, 'hbb': -2.0}
    """
    return dict(zip(CLASSES, map(float, logits), strict=True))


def from_weights(taggers: Iterable[Tagger]) -> Evidence:
    """Return the evidence of numbers that the weights alone decide."""
    own = any(tagger.own_weights for tagger in taggers)
    return Evidence("complete", "from the weights alone, without the paper's jets", own)


def result_of_weights(
    context: Context,
    item: str,
    tagger: Tagger,
    values: Mapping[str, Any],
    *,
    evidence: Mapping[str, Evidence] | None = None,
    settings: Mapping[str, Any],
    notes: Iterable[str],
) -> Result:
    """Return a result all of whose values a network's weights alone decide.

    Args:
        context: Of the settings.
        item: Whose result.
        tagger: The network.
        values: By name; what else the item claims needs jets, and is missing.
        evidence: Of values, in the place of that of the weights.
        settings: Of the computation.
        notes: For the reader.

    Raises:
        MissingData: If jets are asked for that are not there.
    """
    alone = dict.fromkeys(values, from_weights([tagger]))
    known = {**without_jets(context), **alone, **(evidence or {})}
    return context.result(
        item, NO_JETS, [tagger], values, evidence=known, settings=settings, notes=notes
    )


def artificial_in_words(result: Result, jets: int) -> str:
    """Return what a picture of artificial jets says of its numbers.

    Args:
        result: Names the weights.
        jets: How many there are.
    """
    number = f"{jets:,} artificial {'jet' if jets == 1 else 'jets'}"
    return f"data: {number} · weights: {whose_weights(result.weights)}"


def needs_jets(context: Context, item_id: str, values: Mapping[str, Any] | None = None) -> Result:
    """Return the result of an item where there are no jets: it says what it lacks.

    Args:
        context: Has no jets of ``hbb``.
        item_id: The item.
        values: What is known without jets.
    """
    tagger = context.tagger(FAMILY)
    evidence = {"": missing(context.record.absent)}
    known = {"jets": 0} if values is None else values
    return context.result(item_id, NO_JETS, [tagger], known, evidence=evidence)


def without_jets(context: Context) -> dict[str, Evidence]:
    """Return the evidence of all numbers of an item that need jets, none of which it computes.

    Raises:
        MissingData: If the jets that are asked for are not there.
    """
    if context.record:
        _LOG.warning("--data is not used: %s", _UNUSED)
        return {"": missing(_UNUSED)}
    return {"": missing(context.record.absent)}
