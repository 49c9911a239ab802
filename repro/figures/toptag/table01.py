"""T1: performance, size and sparsity of every TopoDNN variant."""

from typing import Any

import numpy as np

from repro.features.samples import stored_outputs
from repro.figures.context import Context
from repro.figures.performance import (
    DenseActivity,
    PerformanceTable,
    columns_of,
    performance_row,
    performance_table,
)
from repro.metrics.intervals import Interval
from repro.models.cards import BASELINE
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute"]

_STANDARDISED = (
    "standardize_pt is scaled with the mean and standard deviation of the jets at hand, "
    "as by the authors."
)
_STORED = (
    "Performance of the baseline is that of the authors' stored outputs for the whole test set; "
    "its sparsities and all other rows come from the jets at hand."
)
_LOSSES = ("pt", "pt0", "30")


def compute(context: Context) -> Result:
    """Score all variants on the test jets; the baseline also from the authors' outputs.

    Without the whole test set the baseline's performance comes from the outputs that the
    authors stored for all 404,000 jets, and the other rows from the jets at hand.
    """
    table = performance_table(context, "topodnn", DenseActivity)
    rows, notes = table.rows, [_STANDARDISED]
    source, authors = table.jets.data["source"], not table.taggers[BASELINE].own_weights
    evidence = {
        **table.evidence,
        "golden": missing("only the authors' own weights and jets have stored outputs"),
    }
    values: dict[str, Any] = {
        "columns": columns_of(rows),
        "rows": rows,
        "differences": {
            "v4_minus_baseline": table.auc_difference("v4", BASELINE),
            **{f"baseline_minus_{v}": table.auc_difference(BASELINE, v) for v in _LOSSES},
        },
        "sparsity_difference": {
            "baseline_minus_v4": _difference(
                rows[BASELINE]["sparsity_both"], rows["v4"]["sparsity_both"]
            )
        },
    }
    if authors and source in ("fixtures", "paper"):
        evidence["golden"] = Evidence("complete", "the authors' stored outputs, jet by jet")
        values["golden"] = {"max_abs_difference": _golden(context, table)}
    if authors and source == "fixtures":
        stored = performance_row(*stored_outputs(context.fetch))
        rows[BASELINE] |= stored
        notes.append(_STORED)
        about = Evidence("complete", "the authors' outputs for all 404,000 test jets")
        evidence |= {f"rows.{BASELINE}.{name}": about for name in stored if name != "jets"}
    return context.result(
        "toptag/table1",
        table.jets,
        table.taggers.values(),
        values,
        evidence=evidence,
        notes=notes,
    )


def _difference(first: Interval, second: Interval) -> Interval:
    """Return the first minus the second number, as if they were independent.

    They come from the same jets, which makes the interval too wide rather than too narrow.
    """
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, value - float(below), value + float(above), first.level)


def _golden(context: Context, table: PerformanceTable) -> float:
    """Return the largest difference to the authors' outputs, over all jets at hand."""
    predictions, _ = stored_outputs(context.fetch)
    return float(np.abs(table.scores[BASELINE] - predictions[table.jets.rows]).max())
