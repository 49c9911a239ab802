"""T5: performance of PFN with subjettiness beside its latent space."""

from repro.figures.context import Context
from repro.figures.performance import columns_of, performance_table
from repro.results.document import Result

__all__ = ["compute"]

_OWN = "The authors' weights of these variants are not published: all are the package's own."


def compute(context: Context) -> Result:
    """Score the three variants, with the package's own weights whatever the settings say.

    Jets of fewer than eight constituents have a subjettiness of zero (quirk B16).
    """
    table = performance_table(context, "augpfn")
    return context.result(
        "toptag/table5",
        table.jets,
        table.taggers.values(),
        {"columns": columns_of(table.rows), "rows": table.rows},
        evidence=table.evidence,
        notes=[_OWN],
    )
