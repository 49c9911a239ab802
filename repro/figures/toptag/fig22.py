"""F22: neuron activation patterns of PFN, Φ and F, two-sided, and |RNA difference|."""

import numpy as np
from matplotlib.figure import Figure

from repro.figures.context import Context
from repro.figures.latent import PfnActivity, explained_count, rated
from repro.figures.patterns import draw_patterns, pattern_values
from repro.results.document import Result

__all__ = ["compute", "render"]

_TITLES = {"phi": "Φ", "f": "F"}


def compute(context: Context) -> Result:
    """Relative neuron activity per class: of Φ over all constituents of all jets, and of F.

    As published the activity of F is that of 103,424 jets (B2).  The jets go by a part at a time.
    """
    stream, tagger = context.stream("pfn"), context.tagger("pfn")
    count = explained_count(context)
    activity = PfnActivity(context, tagger, count)
    labels, rows = [], []
    for part in stream:
        activity.add(tagger.prepare(part.inputs, stream.features), part.labels)
        labels.append(part.labels)
        rows.append(part.rows)
    jets = stream.jet_set(np.concatenate(labels), np.concatenate(rows))
    mine = jets.rows < (count or stream.total)
    some = context.stream("pfn", count).jet_set(jets.labels[mine], jets.rows[mine])
    seed = context.settings.seed
    found = {"phi": activity.phi.explain(seed=seed), "f": activity.head.explain(seed=seed)}
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
