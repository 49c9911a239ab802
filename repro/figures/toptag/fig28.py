"""F28: principal components of PFIN's latent spaces, summed and concatenated."""

from typing import Any

from matplotlib.figure import Figure

from repro.explain.masking import logits_of
from repro.explain.occlusion import discriminant
from repro.figures.components import draw_components
from repro.figures.context import Context
from repro.figures.latent import explained_sample, latent_space
from repro.figures.principal_components import VARIANCE, component_values
from repro.metrics.intervals import auc_interval
from repro.metrics.percent import in_points
from repro.metrics.roc import rank_jets
from repro.results.document import Result

__all__ = ["compute", "render"]

_VARIANTS = ("cat", "sum")
_PARTS = ("variance", "histograms", "planes")


def compute(context: Context) -> Result:
    """Fit the components that hold 99 % of the variance of all latent nodes, for each variant.

    As published on 103,424 jets (B2), both classes together, not scaled.
    """
    sample = explained_sample(context, "pfin")
    taggers = [context.tagger(f"pfin:{variant}") for variant in _VARIANTS]
    values: dict[str, Any] = {"components": {}, "auc": {}}
    for tagger in taggers:
        variant = tagger.card.variant
        space = latent_space(context, sample, tagger, None)
        seed, spool = context.settings.seed, context.spool
        found = component_values(space.values, sample.labels, (), seed, spool)
        scores = discriminant(logits_of(space.problem(context)))
        values["components"][variant] = found["components"]
        values["auc"][variant] = in_points(auc_interval(rank_jets(scores, sample.labels)))
        values[variant] = {part: found[part] for part in _PARTS}
    return context.result(
        "toptag/fig28",
        sample,
        taggers,
        values,
        settings={"variance": VARIANCE},
        notes=["The picture shows the variant cat; the numbers of sum are in the result."],
    )


def render(result: Result) -> Figure:
    """Draw the histogram of each component of the variant ``cat``."""
    return draw_components(result, result.values["cat"], "variant cat")
