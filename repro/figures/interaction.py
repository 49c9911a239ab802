"""Interaction Networks for the items of ``hbb``, and what their weights alone give."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.errors import BadInput, IntegrityError, MissingData, NotAvailable
from repro.features.interaction import interaction_features, interaction_inputs
from repro.features.sample_streams import JetSet, no_jets
from repro.figures.choices import weights_folder
from repro.figures.context import Context
from repro.figures.drawing import footer, new_figure
from repro.models.cards import BASELINE, load_cards
from repro.models.tagger import Tagger, predict_logits
from repro.results.document import Result, whose_weights
from repro.results.evidence import Evidence, missing

__all__ = [
    "CLASSES",
    "FAMILY",
    "NO_JETS",
    "RANDOM_SPLIT",
    "artificial_in_words",
    "by_class",
    "from_weights",
    "load_each",
    "logits_of",
    "needs_jets",
    "rows_of",
    "say_without_jets",
    "short_label",
    "sorted_labels",
    "without_jets",
]

FAMILY = "in"
RANDOM_SPLIT = "random_split"
"""The network of the study of portability, beside the thirty of the study of explanations."""

CLASSES = ("qcd", "hbb")

NO_JETS: JetSet = no_jets("the weights alone", "artificial jets")

_NOTHING = "All of this picture needs jets, and there were none."


def load_each(context: Context) -> tuple[dict[str, Tagger], dict[str, str]]:
    """Return the networks whose weights load, and what is wrong with the others', by label.

    Of the package's own weights, and in a folder of trainings, some variants may have none.

    Raises:
        BadInput, IntegrityError: If not even the baseline's load, or a file that the user named
            does not fit: one file cannot fit all.
        DownloadFailed, MissingData, NotAvailable: If weights are out of reach.
    """
    chosen = context.settings.weights
    in_folder = weights_folder(chosen) is not None
    named = chosen not in ("auto", "authors", "embedded") and not in_folder
    absent = (NotAvailable, MissingData) if in_folder or chosen == "embedded" else ()
    networks, failures = {}, {}
    for label in sorted_labels():
        try:
            networks[label] = context.tagger(f"{FAMILY}:{label}")
        except (BadInput, IntegrityError, *absent) as error:
            if named or label == BASELINE:
                raise
            failures[label] = str(error)
    return networks, failures


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


def artificial_in_words(result: Result, jets: int) -> str:
    """Return what a picture of artificial jets says of its numbers.

    Args:
        result: Names the weights.
        jets: How many there are.
    """
    number = f"{jets:,} artificial {'jet' if jets == 1 else 'jets'}"
    return f"data: {number} · weights: {whose_weights(result.weights)}"


def short_label(label: str) -> str:
    """Return the label of a network as a legend can hold it.

    >>> short_label("psvfeaturesdropped_001_noTrackQ_hidden16_De8_Do8")
    'psv 001 noTrackQ hidden16 De8 Do8'
    """
    return label.replace("featuresdropped", " ").replace("_", " ").replace("  ", " ")


def say_without_jets(result: Result) -> Figure:
    """Return a picture that says that there were no jets to draw anything of."""
    figure = new_figure(7.4, 2.2)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, _NOTHING, ha="center", va="center", fontsize=10)
    footer(figure, result, data=artificial_in_words(result, 0))
    return figure


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
    """Return the evidence of all numbers of an item that need jets, of which there are none.

    Raises:
        MissingData: If the jets that are asked for are not there.
    """
    return {"": missing(context.record.absent)}
