"""F22: neuron activation patterns of PFN, Φ and F, two-sided, and |RNA difference|."""

import dataclasses
from typing import cast

from matplotlib.figure import Figure

from repro.explain.activation_patterns import explain_by_activation_patterns
from repro.figures.context import Context
from repro.figures.latent import explained_sample, latent_space
from repro.figures.patterns import draw_patterns, pattern_values
from repro.models.pfn import PfnNetwork
from repro.models.phi_layers import PhiLayers
from repro.results.document import Result

__all__ = ["compute", "render"]

_PARTS = ("phi", "f")
_TITLES = {"phi": "Φ", "f": "F"}


def compute(context: Context) -> Result:
    """Relative neuron activity per class: of Φ over all constituents of all jets, and of F.

    As published the activity of F is that of 103,424 jets (B2).
    """
    sample, tagger = context.sample("pfn"), context.tagger("pfn")
    network = cast("PfnNetwork", tagger.network)
    phi = dataclasses.replace(context.problem(sample, tagger), network=PhiLayers(network))
    some = explained_sample(context, "pfn")
    head = latent_space(context, some, tagger, None).problem(context)
    found = {
        part: explain_by_activation_patterns(problem)
        for part, problem in zip(_PARTS, (phi, head), strict=True)
    }
    values = {part: pattern_values(explanation) for part, explanation in found.items()}
    values["sparsity"] = {part: values[part].pop("sparsity") for part in _PARTS}
    evidence = dict.fromkeys(("f", "sparsity.f"), context.evidence(some, tagger))
    return context.result(
        "toptag/fig22",
        sample,
        [tagger],
        values,
        evidence=evidence,
        settings=found["phi"].settings,
    )


def render(result: Result) -> Figure:
    """Draw one column per layer: QCD as -RNA to the left, top as +RNA to the right."""
    return draw_patterns(result, {_TITLES[part]: result.values[part] for part in _PARTS})
