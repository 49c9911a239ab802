"""T3: performance, size and sparsity of every PFN variant."""

import dataclasses
from typing import cast

from repro.features.samples import Sample
from repro.figures.context import Context
from repro.figures.performance import (
    PerformanceTable,
    columns_of,
    performance_table,
    sparsities_of,
)
from repro.metrics.intervals import Interval
from repro.models.pfn import PfnNetwork
from repro.models.phi_layers import PhiLayers
from repro.models.tagger import Tagger, predict_logits
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
    table = performance_table(context, "pfn", _sparsities)
    return context.result(
        "toptag/table3",
        table.sample,
        table.taggers.values(),
        {"columns": columns_of(table.rows), "rows": table.rows},
        evidence={**table.evidence, **_evidence_of_f(context, table)},
        notes=[_SUMMED],
    )


def _sparsities(context: Context, sample: Sample, tagger: Tagger) -> dict[str, Interval]:
    problem = context.problem(sample, tagger)
    network = cast("PfnNetwork", tagger.network)
    first = slice(_jets_of_f(context, sample))
    latents = predict_logits(network.latent, problem.inputs[first], context.device)
    head = dataclasses.replace(
        problem,
        network=network.head,
        inputs=latents,
        labels=problem.labels[first],
        features=tuple(f"z{node}" for node in range(network.width)),
    )
    phi = dataclasses.replace(problem, network=PhiLayers(network))
    return {**sparsities_of(phi, "phi_sparsity"), **sparsities_of(head, "f_sparsity")}


def _jets_of_f(context: Context, sample: Sample) -> int:
    jets = len(sample.labels)
    return jets if context.settings.corrected else min(jets, _JETS_OF_F)


def _evidence_of_f(context: Context, table: PerformanceTable) -> dict[str, Evidence]:
    """Return what the activity of F rests on, where that is not all jets of the sample."""
    sample = table.sample
    jets = _jets_of_f(context, sample)
    if jets == len(sample.labels):
        return {}
    whole = context.evidence(sample, *table.taggers.values())
    # Of the paper's file these are the very jets that the authors used.
    kind = "complete" if sample.data["source"] == "paper" else whole.kind
    about = f"the first {jets:,} of {sample.description}"
    first = dataclasses.replace(whole, kind=kind, description=about)
    return {
        f"rows.{variant}.{name}": first
        for variant, row in table.rows.items()
        for name in row
        if name.startswith("f_sparsity")
    }
