"""T2: performance, size and sparsity of every MBNS variant."""

from repro.figures.context import Context
from repro.figures.performance import DenseActivity, columns_of, performance_table
from repro.models.cards import BASELINE
from repro.results.document import Result

__all__ = ["compute"]

_LOSSES = ("OneLayer", "nojetpt", "tau_x_1")


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
    }
    return context.result(
        "toptag/table2",
        table.jets,
        table.taggers.values(),
        values,
        evidence=table.evidence,
    )
