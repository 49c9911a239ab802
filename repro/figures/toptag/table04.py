"""T4: performance and size of both PFIN variants, and what they gain over PFN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.figures.context import Context
from repro.figures.performance import (
    PerformanceTable,
    columns_of,
    counted,
    is_right,
    layers_of,
    performance_row,
    performance_table,
)
from repro.figures.scoring import score_jets_of
from repro.metrics.paired import Comparison, accuracy_gain, auc_gain, rejection_ratio
from repro.metrics.percent import in_points
from repro.models.dense import count_parameters
from repro.models.tagger import Tagger
from repro.results.document import Result

__all__ = ["compute", "gains"]

_EFFICIENCY = 0.3
_GAIN = (
    "{} gains over PFN on the same jets: {:+.2f} [{:.2f}, {:.2f}] points of AUC (p = {:.1g}), "
    "{:+.2f} [{:.2f}, {:.2f}] of accuracy (p = {:.1g}), and rejects {:.2f} [{:.2f}, {:.2f}] times "
    "as many QCD jets at 30 % (p = {:.1g})."
)


def compute(context: Context) -> Result:
    """Score both variants and the PFN baseline on the same jets; compare them jet by jet.

    The gain in AUC is tested after DeLong, that in accuracy after McNemar, and the ratio of
    rejections by drawing the same jets again for both.
    """
    pfn = context.tagger("pfn")
    table = performance_table(context, "pfin")
    scores = score_jets_of(context, "pfn", {"pfn": pfn}).scores["pfn"]
    labels = table.jets.labels
    rows = {
        **table.rows,
        "pfn": {
            **layers_of(pfn.card),
            "inputs": pfn.card.inputs,
            "parameters": count_parameters(pfn.network),
            **performance_row(scores, labels, inclusive=False),
        },
    }
    found = {variant: gains(context, table, variant, (pfn, scores)) for variant in ("sum", "cat")}
    values = {
        "columns": columns_of(rows),
        "rows": rows,
        "gain": {**_entries(found["sum"]), "cat": _entries(found["cat"])},
    }
    return context.result(
        "toptag/table4",
        table.jets,
        [*table.taggers.values(), pfn],
        values,
        evidence={**table.evidence, "rows.pfn.parameters": counted(pfn)},
        settings={"signal_efficiency": _EFFICIENCY},
        notes=[_sentence(variant, found[variant]) for variant in found],
    )


def gains(
    context: Context,
    table: PerformanceTable,
    variant: str,
    baseline: tuple[Tagger, NDArray[np.floating]],
) -> dict[str, Comparison]:
    """Return what a variant gains over a tagger with scores of the same jets.

    AUC and accuracy in percentage points; rejection as a ratio.
    """
    tagger, scores = baseline
    ours, labels = table.scores[variant], table.jets.labels
    right = is_right(table.taggers[variant], ours, labels), is_right(tagger, scores, labels)
    generator = np.random.default_rng(context.settings.seed)
    areas, decisions = auc_gain(ours, scores, labels), accuracy_gain(*right)
    return {
        "auc": Comparison(in_points(areas.gain), areas.p),
        "accuracy": Comparison(in_points(decisions.gain), decisions.p),
        "rejection_ratio": rejection_ratio(ours, scores, labels, _EFFICIENCY, generator),
    }


def _entries(found: dict[str, Comparison]) -> dict[str, Any]:
    return {
        **{name: comparison.gain for name, comparison in found.items()},
        "p": {name: comparison.p for name, comparison in found.items()},
    }


def _sentence(variant: str, found: dict[str, Comparison]) -> str:
    numbers = [
        number
        for entry in found.values()
        for number in (entry.gain.value, entry.gain.low, entry.gain.high, entry.p)
    ]
    return _GAIN.format(variant, *numbers)
