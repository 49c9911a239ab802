"""The performance of taggers, as the tables of all families show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from repro.explain.activation_patterns import ActivityCounter
from repro.features.sample_streams import JetSet
from repro.figures.context import Context
from repro.figures.scoring import score_jets_of
from repro.metrics.intervals import (
    Interval,
    accuracy_interval,
    auc_difference_interval,
    auc_interval,
    rejection_interval,
)
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.models.cards import Card, load_cards
from repro.models.dense import count_parameters
from repro.models.scores import Observer
from repro.models.tagger import Tagger
from repro.results.evidence import Evidence

__all__ = [
    "COLUMNS",
    "DenseActivity",
    "PerformanceTable",
    "Watch",
    "columns_of",
    "counted",
    "is_right",
    "layers_of",
    "performance_row",
    "performance_table",
    "sparsities_of",
]

COLUMNS: dict[str, dict[str, Any]] = {
    "phi": {"title": "Φ"},
    "phi_pair": {"title": "Φ_I and Φ_I2"},
    "f": {"title": "F"},
    "hidden": {"title": "hidden nodes"},
    "inputs": {"title": "inputs"},
    "parameters": {"title": "parameters"},
    "jets": {"title": "jets"},
    "auc": {"title": "AUC [%]", "digits": 4},
    "accuracy": {"title": "accuracy [%]", "digits": 4},
    "rejection_30": {"title": "rejection at 30 %", "digits": 2},
    "sparsity_qcd": {"title": "sparsity QCD", "digits": 4},
    "sparsity_top": {"title": "sparsity top", "digits": 4},
    "sparsity_both": {"title": "sparsity both", "digits": 4},
    "phi_sparsity_qcd": {"title": "sparsity of Φ, QCD", "digits": 4},
    "phi_sparsity_top": {"title": "sparsity of Φ, top", "digits": 4},
    "phi_sparsity_both": {"title": "sparsity of Φ, both", "digits": 4},
    "f_sparsity_qcd": {"title": "sparsity of F, QCD", "digits": 4},
    "f_sparsity_top": {"title": "sparsity of F, top", "digits": 4},
    "f_sparsity_both": {"title": "sparsity of F, both", "digits": 4},
}

_EFFICIENCIES = (30, 50, 80)


class Watch(Observer, Protocol):
    """What is found out about a variant while its jets go by."""

    def columns(self) -> Mapping[str, Interval]:
        """Return further columns of its row, once all jets were seen."""


class DenseActivity:
    """Sparsities of a dense network: of QCD and top jets, and of both together.

    Args:
        context: Says where to compute, and the seed of the intervals.
        tagger: The network.
    """

    def __init__(self, context: Context, tagger: Tagger) -> None:
        self._seed = context.settings.seed
        self._counter = ActivityCounter(tagger.network, context.device)

    def add(self, inputs: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Look at some jets."""
        self._counter.add(inputs, labels)

    def columns(self) -> dict[str, Interval]:
        """Return the sparsities."""
        return sparsities_of(self._counter, self._seed, "sparsity")


@dataclass(frozen=True, eq=False)
class PerformanceTable:
    """All variants of a family on the same jets.

    Attributes:
        jets: The jets.
        taggers: By variant.
        scores: P(top) by variant, (n,).
        rows: The rows of the table by variant.
        evidence: What the numbers of parameters rest on, by path.
    """

    jets: JetSet
    taggers: dict[str, Tagger]
    scores: dict[str, NDArray[np.floating]]
    rows: dict[str, dict[str, Any]]
    evidence: dict[str, Evidence]

    def auc_difference(self, first: str, second: str) -> Interval:
        """Return AUC of one variant minus AUC of another one, in percentage points."""
        gap = auc_difference_interval(self.scores[first], self.scores[second], self.jets.labels)
        return in_points(gap)


def performance_table(
    context: Context, family: str, watch: Callable[[Context, Tagger], Watch] | None = None
) -> PerformanceTable:
    """Score all variants of a family, and count their parameters.

    Args:
        context: Gives jets and taggers.
        family: Name of the family.
        watch: Makes what sees the jets of a variant, for further columns of its row.

    Raises:
        MissingData: If the source has no jets for this family.
        NotAvailable: If there are no weights of a variant, or subjettiness cannot be computed.
    """
    taggers = {variant: context.tagger(f"{family}:{variant}") for variant in load_cards(family)}
    watches = {variant: watch(context, tagger) for variant, tagger in taggers.items() if watch}
    scored = score_jets_of(context, family, taggers, watches)
    rows, evidence = {}, {}
    for variant, tagger in taggers.items():
        inclusive = _inclusive(tagger)
        rows[variant] = {
            **layers_of(tagger.card),
            "inputs": tagger.card.inputs,
            "parameters": count_parameters(tagger.network),
            **performance_row(scored.scores[variant], scored.jets.labels, inclusive=inclusive),
            **(watches[variant].columns() if watch else {}),
        }
        evidence[f"rows.{variant}.parameters"] = counted(tagger)
    return PerformanceTable(scored.jets, taggers, scored.scores, rows, evidence)


def performance_row(
    scores: NDArray[np.floating], labels: NDArray[np.integer], *, inclusive: bool = True
) -> dict[str, Any]:
    """Return AUC and accuracy in per cent and background rejections, with intervals.

    Args:
        scores: (n,), P(top).
        labels: (n,).
        inclusive: Whether a score of exactly 0.5 means top: TopoDNN's convention; the torch
            models round it down.
    """
    ranking = rank_jets(scores, labels)
    return {
        "jets": len(labels),
        "auc": in_points(auc_interval(ranking)),
        "accuracy": in_points(accuracy_interval(ranking, inclusive=inclusive)),
        **{
            f"rejection_{efficiency}": rejection_interval(ranking, efficiency / 100)
            for efficiency in _EFFICIENCIES
        },
    }


def is_right(
    tagger: Tagger, scores: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Return whether each jet is taken for what it is, (n,)."""
    taken = scores >= 0.5 if _inclusive(tagger) else scores > 0.5
    return np.asarray(taken == (labels == 1))


def layers_of(card: Card) -> dict[str, list[int]]:
    """Return the sizes of the layers of each part of a network, by column.

    >>> from repro.models.cards import find_card
    >>> layers_of(find_card("pfn:v4"))
    {'phi': [100, 64, 32], 'f': [64, 100, 100]}
    """
    parts = {"phi": card.phi, "phi_pair": card.phi_pair, "f" if card.phi else "hidden": card.hidden}
    return {name: list(sizes) for name, sizes in parts.items() if sizes}


def columns_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the columns that some row has."""
    known: set[str] = set().union(*rows.values())
    return {name: column for name, column in COLUMNS.items() if name in known}


def counted(tagger: Tagger) -> Evidence:
    """Return the evidence of a number that the weights alone decide."""
    return Evidence("complete", "counted from the weights", tagger.own_weights)


def sparsities_of(
    counter: ActivityCounter, seed: int, prefix: str, classes: tuple[str, str] = ("qcd", "top")
) -> dict[str, Interval]:
    """Return the sparsities of a network, named ``<prefix>_qcd``, ``_top`` and ``_both``.

    Args:
        counter: Has seen all jets.
        seed: Seed of the intervals.
        prefix: Of the names.
        classes: Names of class 0 and class 1.
    """
    found = counter.explain(classes, seed).details["sparsity"]
    return {
        f"{prefix}_{name}": Interval(
            float(entry.value), float(entry.low), float(entry.high), entry.level
        )
        for name, entry in found.items()
    }


def _inclusive(tagger: Tagger) -> bool:
    return tagger.card.family == "topodnn"
