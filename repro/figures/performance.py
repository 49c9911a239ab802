"""The performance of taggers, as the tables of all families show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.explain.activation_patterns import explain_by_activation_patterns
from repro.explain.problem import Problem
from repro.features.samples import Sample
from repro.figures.context import Context
from repro.metrics.intervals import (
    Interval,
    accuracy_interval,
    auc_difference_interval,
    auc_interval,
    rejection_interval,
)
from repro.metrics.roc import rank_jets
from repro.models.cards import Card, load_cards
from repro.models.dense import count_parameters
from repro.models.scores import score
from repro.models.tagger import Tagger
from repro.results.evidence import Evidence

__all__ = [
    "COLUMNS",
    "PerformanceTable",
    "columns_of",
    "counted",
    "dense_sparsities",
    "in_points",
    "is_right",
    "layers_of",
    "performance_row",
    "performance_table",
    "score_sample",
    "sparsities_of",
]

Sparsities = Callable[[Context, Sample, Tagger], Mapping[str, Interval]]

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
_JETS_PER_BATCH = 8192


@dataclass(frozen=True, eq=False)
class PerformanceTable:
    """All variants of a family on the same jets.

    Attributes:
        sample: The jets.
        taggers: By variant.
        scores: P(top) by variant, (n,).
        rows: The rows of the table by variant.
        evidence: What the numbers of parameters rest on, by path.
    """

    sample: Sample
    taggers: dict[str, Tagger]
    scores: dict[str, NDArray[np.floating]]
    rows: dict[str, dict[str, Any]]
    evidence: dict[str, Evidence]

    def auc_difference(self, first: str, second: str) -> Interval:
        """Return AUC of one variant minus AUC of another one, in percentage points."""
        gap = auc_difference_interval(self.scores[first], self.scores[second], self.sample.labels)
        return in_points(gap)


def performance_table(
    context: Context, family: str, sparsities: Sparsities | None = None
) -> PerformanceTable:
    """Score all variants of a family, and count their parameters.

    Args:
        context: Gives jets and taggers.
        family: Name of the family.
        sparsities: Further columns of each row, from jets and tagger.

    Raises:
        MissingData: If the source has no jets for this family.
        NotAvailable: If there are no weights of a variant, or subjettiness cannot be computed.
    """
    variants = load_cards(family)
    taggers = {variant: context.tagger(f"{family}:{variant}") for variant in variants}
    sample = context.sample(family)
    scores, rows, evidence = {}, {}, {}
    for variant in context.progress(variants, "variants"):
        tagger = taggers[variant]
        scores[variant] = score_sample(context, tagger, sample)
        rows[variant] = {
            **layers_of(tagger.card),
            "inputs": tagger.card.inputs,
            "parameters": count_parameters(tagger.network),
            **performance_row(scores[variant], sample.labels, inclusive=_inclusive(tagger)),
            **(sparsities(context, sample, tagger) if sparsities else {}),
        }
        evidence[f"rows.{variant}.parameters"] = counted(tagger)
    return PerformanceTable(sample, taggers, scores, rows, evidence)


def score_sample(context: Context, tagger: Tagger, sample: Sample) -> NDArray[np.floating]:
    """Return P(top) of the jets of a sample, (n,).

    They come in the precision of the network, as the authors': equal ones tie in the ROC curve.
    """
    inputs = tagger.prepare(sample.inputs, sample.features)
    starts = range(0, len(inputs), _JETS_PER_BATCH)
    parts = [
        score(
            tagger,
            inputs[start : start + _JETS_PER_BATCH],
            context.device,
            corrected=context.settings.corrected,
        )
        for start in context.progress(starts, f"scoring, {tagger.card.name}")
    ]
    return np.concatenate(parts)


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


def dense_sparsities(context: Context, sample: Sample, tagger: Tagger) -> dict[str, Interval]:
    """Return the sparsities of a dense network: of QCD and top jets, and of both together."""
    return sparsities_of(context.problem(sample, tagger), "sparsity")


def sparsities_of(problem: Problem, prefix: str) -> dict[str, Interval]:
    """Return the sparsities of a network, named ``<prefix>_qcd``, ``_top`` and ``_both``."""
    found = explain_by_activation_patterns(problem).details["sparsity"]
    return {
        f"{prefix}_{name}": Interval(
            float(entry.value), float(entry.low), float(entry.high), entry.level
        )
        for name, entry in found.items()
    }


def in_points(interval: Interval) -> Interval:
    """Return a fraction, or a difference of two, in per cent."""
    return Interval(100 * interval.value, 100 * interval.low, 100 * interval.high, interval.level)


def _inclusive(tagger: Tagger) -> bool:
    return tagger.card.family == "topodnn"
