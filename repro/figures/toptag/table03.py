"""T3: performance, size and sparsity of every PFN variant."""

import dataclasses

from repro.figures.context import Context
from repro.figures.latent import PfnActivity
from repro.figures.performance import (
    PerformanceTable,
    columns_of,
    performance_table,
    sparsities_of,
)
from repro.metrics.intervals import Interval
from repro.models.cards import BASELINE
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import Evidence

__all__ = ["compute"]

# 101 batches of 1024: there the authors' notebook stopped (quirk B2).
_JETS_OF_F = 103_424
_SUMMED = (
    "Activity of Φ is summed over all constituents of the jets; its intervals are those of "
    "drawing jets, since constituents of a jet depend on each other."
)


def compute(context: Context) -> Result:
    """Score all variants on the test jets; sparsities of Φ and of F apart.

    As published, activity of F is that of the first 103,424 jets (quirk B2).
    """
    table = performance_table(context, "pfn", _Activity)
    return context.result(
        "toptag/table3",
        table.jets,
        table.taggers.values(),
        {
            "columns": columns_of(table.rows),
            "rows": table.rows,
            "differences": {
                f"baseline_minus_{variant}": table.auc_difference(BASELINE, variant)
                for variant in table.rows
                if variant != BASELINE
            },
        },
        evidence={**table.evidence, **_evidence_of_f(context, table)},
        notes=[_SUMMED],
    )


class _Activity(PfnActivity):
    """Sparsities of Φ, of all jets, and of F, of the first ones."""

    def __init__(self, context: Context, tagger: Tagger) -> None:
        super().__init__(context, tagger, _jets_of_f(context))
        self._seed = context.settings.seed

    def columns(self) -> dict[str, Interval]:
        """Return both."""
        return {
            **sparsities_of(self.phi, self._seed, "phi_sparsity"),
            **sparsities_of(self.head, self._seed, "f_sparsity"),
        }


def _jets_of_f(context: Context) -> int | None:
    """Return how many jets F is looked at with, at most."""
    return None if context.settings.corrected else _JETS_OF_F


def _evidence_of_f(context: Context, table: PerformanceTable) -> dict[str, Evidence]:
    """Return what the activity of F rests on, where that is not all jets of the sample."""
    jets = _jets_of_f(context)
    if jets is None or jets >= len(table.jets.labels):
        return {}
    whole = context.evidence(table.jets, *table.taggers.values())
    # Of the paper's file these are the very jets that the authors used.
    kind = "complete" if table.jets.data["source"] == "paper" else whole.kind
    about = f"the first {jets:,} of {table.jets.description}"
    first = dataclasses.replace(whole, kind=kind, description=about)
    return {
        f"rows.{variant}.{name}": first
        for variant, row in table.rows.items()
        for name in row
        if name.startswith("f_sparsity")
    }
