"""F24: correlations of PFN's principal components with jet quantities, QCD and top."""

from matplotlib.figure import Figure

from repro.figures.components import draw_component_correlations
from repro.figures.context import Context
from repro.figures.labels import CLASS_LABELS
from repro.figures.latent import CUT, explained_sample, latent_space
from repro.figures.principal_components import (
    VARIANCE,
    check_rows,
    correlation_tables,
    jet_quantities_of,
    principal_components,
)
from repro.results.document import Result

__all__ = ["compute", "render"]


def compute(context: Context) -> Result:
    """Correlate the components of 99 % of the variance with 17 quantities of the jets.

    As published on 103,424 jets (B2).  Signs of components mean nothing.
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    space = latent_space(context, sample, tagger)
    components = principal_components(space.kept_values, context.spool)
    jets = context.sample("jets", jets=len(sample.labels))
    check_rows(jets, sample)
    values = correlation_tables(components, jet_quantities_of(jets), sample.labels)
    settings = {"variance": VARIANCE, "cut": CUT, "components": len(components)}
    return context.result("toptag/fig24", sample, [tagger], values, settings=settings)


def render(result: Result) -> Figure:
    """Draw one heat map per class: the leading components against the quantities."""
    tables = result.values["correlation"]
    return draw_component_correlations(
        result, {CLASS_LABELS[name]: table for name, table in tables.items()}
    )
