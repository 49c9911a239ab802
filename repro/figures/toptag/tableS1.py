"""TS1: the authors' networks on simulated jets, which they never saw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.catalogue import load_claims
from repro.features.embedded import read_parts
from repro.figures.context import Context
from repro.figures.performance import performance_row
from repro.figures.simulated import SimulatedFile, SimulatedJets, find_files, missing_presets
from repro.models.scores import score_jets
from repro.results.document import Result

__all__ = ["compute"]

_MODELS = ("topodnn", "mbns", "pfn", "pfin:sum", "pfin:cat")
_COLUMNS: dict[str, dict[str, Any]] = {
    "jets": {"title": "jets"},
    "auc": {"title": "AUC [%]", "digits": 2},
    "accuracy": {"title": "accuracy [%]", "digits": 2},
    "rejection_30": {"title": "rejection at 30 %", "digits": 0},
    "rejection_50": {"title": "rejection at 50 %", "digits": 0},
}
_CLAIMED = ("auc", "accuracy", "rejection_30")


def compute(context: Context) -> Result:
    """Score the jets of each preset with the five baseline networks."""
    files = find_files(context)
    rows: dict[str, dict[str, Any]] = {f"published_{_row(m)}": _published(m) for m in _MODELS}
    evidence, samples = {}, []
    for preset, file in files.items():
        scores, labels = _score(context, file)
        others = tuple(other for other in files.values() if other is not file)
        samples.append(SimulatedJets(file, labels, others))
        for model, of_model in scores.items():
            # MBNS has no score for jets of fewer than 8 constituents; the authors drop them.
            known = ~np.isnan(of_model)
            name = f"{preset}_{_row(model)}"
            rows[name] = performance_row(of_model[known], labels[known])
            evidence[f"rows.{name}"] = context.evidence(samples[-1], context.tagger(model))
    return context.result(
        "toptag/tableS1",
        samples[0],
        [context.tagger(model) for model in _MODELS],
        {"columns": _COLUMNS, "rows": rows},
        evidence=evidence,
        notes=missing_presets(files, "repro table S1"),
    )


def _score(
    context: Context, file: SimulatedFile
) -> tuple[dict[str, NDArray[np.floating]], NDArray[np.int64]]:
    """Return P(top) by model, and the labels."""
    found: dict[str, list[NDArray[np.floating]]] = {model: [] for model in _MODELS}
    labels = []
    parts = read_parts(file.path, file.limit)
    for part in context.progress(parts, f"scoring, {file.preset}"):
        for model, pieces in found.items():
            tagger = context.tagger(model)
            pieces.append(score_jets(tagger, part.jets.four_momenta, part.tau, context.device))
        labels.append(part.jets.labels)
    scores = {model: np.concatenate(pieces) for model, pieces in found.items()}
    return scores, np.concatenate(labels)


def _published(model: str) -> dict[str, Any]:
    """Return the published performance of a model, as the catalogue's claims have it."""
    claims: dict[str, Any] = {claim.id: claim.expected for claim in load_claims("toptag")}
    stated = {column: claims[f"toptag/TS1.{_row(model)}.{column}"] for column in _CLAIMED}
    # Of a range of accepted rejections the published one is the geometric mean.
    low, high = stated["rejection_30"]
    return {"jets": None, **stated, "rejection_30": float(np.sqrt(low * high))}


def _row(model: str) -> str:
    return model.replace(":", "_")
