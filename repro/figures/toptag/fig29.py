"""F29: correlations of PFIN's principal components with jet quantities, QCD and top."""

import math
from typing import Any

from matplotlib.figure import Figure

from repro.errors import NotAvailable
from repro.features.samples import Sample
from repro.figures.components import draw_component_correlations
from repro.figures.context import Context
from repro.figures.labels import CLASS_LABELS
from repro.figures.latent import explained_sample, latent_space
from repro.figures.principal_components import (
    VARIANCE,
    check_rows,
    correlation_tables,
    jet_quantities_of,
    principal_components,
)
from repro.metrics.intervals import Interval
from repro.results.document import Result

__all__ = ["compute", "render"]

_VARIANTS = ("cat", "sum")


def compute(context: Context) -> Result:
    """Correlate the components with 17 quantities, of the 60 constituents that PFIN sees.

    As published on 103,424 jets (B2).  Corrected, the quantities are those of all constituents.
    Signs of components mean nothing.
    """
    sample = explained_sample(context, "pfin")
    taggers = [context.tagger(f"pfin:{variant}") for variant in _VARIANTS]
    jets, notes = _jets(context, len(sample.labels))
    check_rows(jets, sample)
    quantities = jet_quantities_of(jets)
    values: dict[str, Any] = {"correlation": {}, "abs_correlation": {}, "mass_minus_nconst": {}}
    for tagger in taggers:
        variant = tagger.card.variant
        space = latent_space(context, sample, tagger, None)
        components = principal_components(space.values, context.spool)
        tables = correlation_tables(components, quantities, sample.labels)
        values["correlation"][variant] = tables["correlation"]
        values["abs_correlation"][variant] = tables["abs_correlation"]
        values["mass_minus_nconst"][variant] = {
            name: _difference(table["pc0"]) for name, table in tables["abs_correlation"].items()
        }
    return context.result(
        "toptag/fig29", sample, taggers, values, settings={"variance": VARIANCE}, notes=notes
    )


def render(result: Result) -> Figure:
    """Draw a heat map for each variant and class: leading components against the quantities."""
    tables = {
        f"PFIN {variant}, {CLASS_LABELS[name]}": table
        for variant, classes in result.values["correlation"].items()
        for name, table in classes.items()
    }
    return draw_component_correlations(result, tables, 15)


def _jets(context: Context, count: int) -> tuple[Sample, list[str]]:
    """Return the quantities of jets, and what is left out of them.

    The subjettiness that comes with jets is that of all their constituents, and does not serve.
    """
    try:
        return context.sample("leading_jets", jets=count), []
    except NotAvailable as problem:
        left_out = f"Subjettiness of 60 constituents is left out: {problem}"
        return context.sample("leading_quantities", jets=count), [left_out]


def _difference(row: dict[str, Any]) -> Interval:
    """Return |r| with the mass minus |r| with the number of constituents, of one component.

    The two come from the same jets; their intervals are added as if they did not.
    """
    mass, count = row["m"], row["nconst"]
    if mass["value"] is None or count["value"] is None:
        return Interval(math.nan, math.nan, math.nan, 0.95)
    value = mass["value"] - count["value"]
    ends = [entry.get("interval") or [math.nan, math.nan] for entry in (mass, count)]
    widths = (math.nan if None in pair else pair[1] - pair[0] for pair in ends)
    half = math.hypot(*widths) / 2  # NaN of too few jets
    return Interval(value, value - half, value + half, 0.95)
