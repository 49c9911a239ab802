"""F22: neuron activation patterns of PFN, Φ and F, two-sided, and |RNA difference|."""

from typing import cast

import numpy as np
from matplotlib.figure import Figure

from repro.explain.activation_patterns import ActivityCounter
from repro.figures.context import Context
from repro.figures.latent import explained_count, rated
from repro.figures.patterns import draw_patterns, pattern_values
from repro.models.pfn import PfnNetwork
from repro.models.phi_layers import PhiLayers
from repro.models.tagger import predict_logits
from repro.results.document import Result

__all__ = ["compute", "render"]

_TITLES = {"phi": "Φ", "f": "F"}


def compute(context: Context) -> Result:
    """Relative neuron activity per class: of Φ over all constituents of all jets, and of F.

    As published the activity of F is that of 103,424 jets (B2).  The jets go by a part at a time.
    """
    stream, tagger = context.stream("pfn"), context.tagger("pfn")
    network = cast("PfnNetwork", tagger.network).to(context.device)
    phi = ActivityCounter(PhiLayers(network), context.device)
    head = ActivityCounter(network.head, context.device)
    count = explained_count(context)
    labels, rows = [], []
    for part in stream:
        inputs = tagger.prepare(part.inputs, stream.features)
        phi.add(inputs, part.labels)
        explained = part.rows < (count or stream.total)
        if explained.any():
            latent = predict_logits(network.latent, inputs[explained], context.device)
            head.add(latent, part.labels[explained])
        labels.append(part.labels)
        rows.append(part.rows)
    jets = stream.jet_set(np.concatenate(labels), np.concatenate(rows))
    mine = jets.rows < (count or stream.total)
    some = context.stream("pfn", count).jet_set(jets.labels[mine], jets.rows[mine])
    seed = context.settings.seed
    found = {"phi": phi.explain(seed=seed), "f": head.explain(seed=seed)}
    values = {part: pattern_values(explanation) for part, explanation in found.items()}
    values["sparsity"] = {part: values[part].pop("sparsity") for part in found}
    evidence = context.evidence(rated(context, "pfn", some), tagger)
    return context.result(
        "toptag/fig22",
        jets,
        [tagger],
        values,
        evidence=dict.fromkeys(("f", "sparsity.f"), evidence),
        settings=found["phi"].settings,
    )


def render(result: Result) -> Figure:
    """Draw one column per layer: QCD as -RNA to the left, top as +RNA to the right."""
    return draw_patterns(result, {_TITLES[part]: result.values[part] for part in _TITLES})
