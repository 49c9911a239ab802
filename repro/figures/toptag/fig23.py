"""F23: principal components of PFN's latent space, their distributions, pairs of them."""

from matplotlib.figure import Figure

from repro.figures.components import draw_components
from repro.figures.context import Context
from repro.figures.latent import CUT, explained_sample, latent_space
from repro.figures.principal_components import VARIANCE, component_values
from repro.results.document import Result

__all__ = ["compute", "render"]

_PLANES = ((0, 1), (0, 2), (0, 6), (12, 13), (4, 11), (1, 2))


def compute(context: Context) -> Result:
    """Fit the components that hold 99 % of the variance of the nodes with a mean of 0.1 or more.

    As published on 103,424 jets (B2), both classes together, not scaled.
    """
    sample, tagger = explained_sample(context, "pfn"), context.tagger("pfn")
    space = latent_space(context, sample, tagger)
    seed, spool = context.settings.seed, context.spool
    values = component_values(space.kept_values, sample.labels, _PLANES, seed, spool)
    settings = {"variance": VARIANCE, "cut": CUT, "nodes": len(space.kept)}
    return context.result("toptag/fig23", sample, [tagger], values, settings=settings)


def render(result: Result) -> Figure:
    """Draw the histogram of each component, and six pairs as scatters."""
    return draw_components(result, result.values, "")
