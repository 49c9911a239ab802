"""T2: performance, size and sparsity of every MBNS variant."""

from repro.explain.masking import logits_of, replacement_values
from repro.explain.occlusion import discriminant
from repro.figures.context import Context
from repro.figures.performance import (
    DenseActivity,
    PerformanceTable,
    columns_of,
    performance_table,
)
from repro.metrics.intervals import Interval, auc_difference_interval
from repro.metrics.percent import in_points
from repro.models.cards import BASELINE
from repro.results.document import Result

__all__ = ["compute"]

_LOSSES = ("OneLayer", "nojetpt", "tau_x_1")
_WITHOUT = "tau_x_1"


def compute(context: Context) -> Result:
    """Score all variants on the test jets that have subjettiness.

    As published these are jets of eight constituents or more, and of the paper's file the first
    400,000: the authors made inputs in blocks of 100,000 and dropped the rest.
    """
    table = performance_table(context, "mbns", DenseActivity)
    values = {
        "columns": columns_of(table.rows),
        "rows": table.rows,
        "jets": len(table.jets.labels),
        "differences": {
            f"baseline_minus_{variant}": table.auc_difference(BASELINE, variant)
            for variant in _LOSSES
        },
        "correlated": _masked_or_retrained(context, table),
    }
    return context.result(
        "toptag/table2",
        table.jets,
        table.taggers.values(),
        values,
        evidence=table.evidence,
    )


def _masked_or_retrained(context: Context, table: PerformanceTable) -> dict[str, Interval]:
    """Return what the τ of the exponents 0.5 and 2 cost when they are masked, and when left out.

    What they say is mostly in the τ of exponent 1 as well.  A network that never had them shows
    that; masking them in one that had them does not, for no jet looks like a masked one.
    """
    baseline, small = table.taggers[BASELINE], table.taggers[_WITHOUT]
    sample = context.sample("mbns")
    problem = context.problem(sample, baseline)
    masked = problem.whole.copy()
    known = {sample.features[column] for column in small.card.columns(sample.features)}
    columns = [i for i, name in enumerate(problem.features) if name not in known]
    masked[:, columns] = replacement_values(problem, "mean")[columns]
    whole, retrained = table.scores[BASELINE], table.scores[_WITHOUT]
    # No probability: those of masked jets round to 1, and would tie.
    without = discriminant(logits_of(problem, masked))
    costs = {
        "masked": (whole, without),
        "retrained": (whole, retrained),
        "masked_minus_retrained": (retrained, without),
    }
    return {
        name: in_points(auc_difference_interval(first, second, sample.labels))
        for name, (first, second) in costs.items()
    }
