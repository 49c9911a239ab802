"""T8: architecture and headline performance of the baselines, as boxes in the talk."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from repro.errors import MissingData
from repro.features.samples import Described, stored_outputs
from repro.figures.context import Context
from repro.figures.performance import performance_row
from repro.figures.scoring import score_jets_of
from repro.metrics.intervals import Interval
from repro.results.document import Result
from repro.results.evidence import Evidence, missing

__all__ = ["compute"]

_COLUMNS = {
    "inputs": {"title": "inputs"},
    "outputs": {"title": "outputs"},
    "layers": {"title": "layers"},
    "accuracy": {"title": "accuracy [%]", "digits": 1},
    "auc": {"title": "ROC-AUC", "digits": 3},
}


def compute(context: Context) -> Result:
    """Read both architectures from the networks; score both on the test set.

    Without the whole test set TopoDNN's performance comes from the outputs that the authors
    stored for it; they stored none of PFN.
    """
    topodnn, pfn = context.tagger("topodnn"), context.tagger("pfn")
    evidence = {
        "topodnn": Evidence("complete", "layers of the weights", topodnn.own_weights),
        "pfn": Evidence("complete", "layers of the weights", pfn.own_weights),
    }
    jets: Described
    if context.source == "fixtures" and not topodnn.own_weights:
        scores, labels = stored_outputs(context.fetch)
        about = Evidence("complete", "the authors' outputs for all 404,000 test jets")
        stored = context.sample("topodnn")
        selection = {"jets": len(labels), "selection": "outputs that the authors stored"}
        jets = dataclasses.replace(stored, data={**stored.data, **selection})
    else:
        scored = score_jets_of(context, "topodnn", {"topodnn": topodnn})
        jets, scores, labels = scored.jets, scored.scores["topodnn"], scored.jets.labels
        about = context.evidence(jets, topodnn)
    evidence |= {"topodnn.accuracy": about, "topodnn.auc": about}
    sizes = _sizes(topodnn.network)
    phi, head = _sizes(pfn.network.get_submodule("phi")), _sizes(pfn.network.get_submodule("head"))
    boxes: dict[str, dict[str, Any]] = {
        "topodnn": {
            "inputs": sizes[0],
            "outputs": sizes[-1],
            "hidden": sizes[1:-1],
            **_headline(scores, labels),
        },
        "pfn": {"phi_layers": phi, "f_layers": head},
    }
    try:
        scored = score_jets_of(context, "pfn", {"pfn": pfn})
    except MissingData as problem:
        absent = missing(str(problem))
        evidence |= {"pfn.accuracy": absent, "pfn.auc": absent}
    else:
        boxes["pfn"] |= _headline(scored.scores["pfn"], scored.jets.labels, inclusive=False)
        about = context.evidence(scored.jets, pfn)
        evidence |= {"pfn.accuracy": about, "pfn.auc": about}
    performance = {name: boxes["pfn"].get(name) for name in ("accuracy", "auc")}
    values: dict[str, Any] = {
        **boxes,
        "columns": _COLUMNS,
        "rows": {
            "TopoDNN": {**boxes["topodnn"], "layers": _joined(sizes)},
            "PFN Φ": _box(phi),
            "PFN F": {**_box(head), **performance},
        },
    }
    return context.result("toptag/table8", jets, [topodnn, pfn], values, evidence=evidence)


def _headline(
    scores: NDArray[np.floating], labels: NDArray[np.int64], *, inclusive: bool = True
) -> dict[str, Interval]:
    """Return the accuracy in per cent and the AUC as a fraction, as the talk has them."""
    row = performance_row(scores, labels, inclusive=inclusive)
    auc = row["auc"]
    area = Interval(auc.value / 100, auc.low / 100, auc.high / 100, auc.level)
    return {"accuracy": row["accuracy"], "auc": area}


def _sizes(network: nn.Module) -> list[int]:
    """Return the sizes of the layers of a dense network, input first."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


def _box(sizes: list[int]) -> dict[str, Any]:
    return {"inputs": sizes[0], "outputs": sizes[-1], "layers": _joined(sizes)}


def _joined(layers: list[int]) -> str:
    return ", ".join(map(str, layers))
