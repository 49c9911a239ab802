"""T1: all thirty trained models and that of the random split: sizes, weights, performance."""

from typing import Any

import numpy as np

from repro.data.hbb.features import track_features, vertex_features
from repro.data.integrity import hash_file
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.interaction import (
    NO_JETS,
    RANDOM_SPLIT,
    by_class,
    from_weights,
    load_each,
    logits_of,
    without_jets,
)
from repro.figures.record_scores import networks_on_record
from repro.models.cards import BASELINE
from repro.models.dense import count_parameters
from repro.models.interaction import kept_features
from repro.models.interaction_metadata import read_metadata
from repro.models.tagger import Tagger
from repro.results.document import Result
from repro.results.evidence import missing

__all__ = ["compute"]

_COLUMNS: dict[str, dict[str, Any]] = {
    "tracks_dropped": {"title": "track features dropped"},
    "vertices_dropped": {"title": "vertex features dropped"},
    "hidden": {"title": "hidden nodes"},
    "edge_features": {"title": "D_E"},
    "node_features": {"title": "D_O"},
    "parameters": {"title": "parameters"},
    "preloaded": {"title": "preloaded"},
    "sha256": {"title": "SHA-256 begins"},
    "auc": {"title": "AUC [%]", "digits": 4},
    "auc_without_unlabelled": {"title": "AUC without unlabelled jets [%]", "digits": 4},
    "auc_minus_baseline": {"title": "AUC minus baseline", "digits": 4},
    "fidelity": {"title": "fidelity [%]", "digits": 2},
    "sparsity_qcd": {"title": "sparsity QCD", "digits": 4},
    "sparsity_hbb": {"title": "sparsity H to bb", "digits": 4},
}
_MEASURED = (
    "auc",
    "auc_without_unlabelled",
    "auc_minus_baseline",
    "fidelity",
    "sparsity_qcd",
    "sparsity_hbb",
)
_SAID = "Whether a model was preloaded is what the authors' metadata say; five of them say nothing."
_PINNED = (
    "The bytes of the authors' files are hashed anew here. Files that differ from their pins are "
    "never read: their models count as not loaded."
)
_UNLABELLED = (
    "Jets without a label count as background, as in the authors' notebooks; without them, as in "
    "their study of portability, in a column of its own."
)


def compute(context: Context) -> Result:
    """Load all models strictly, count, hash, and compute known logits; score jets if there are any.

    Known logits are those of four artificial jets, and of a jet of nothing.
    """
    networks, failures = load_each(context)
    digests = {label: _digest(context, tagger) for label, tagger in networks.items()}
    rows = {
        label: {
            **_architecture(tagger),
            "preloaded": _preloaded(context, tagger),
            "sha256": digests[label][:12],
        }
        for label, tagger in networks.items()
    }
    values: dict[str, Any] = {
        "columns": _COLUMNS,
        "rows": rows,
        "weights": {"loaded": len(networks.keys() - {RANDOM_SPLIT}), "sha256": digests},
        "golden": _golden(context, networks),
    }
    alone = from_weights(networks.values())
    evidence = {
        **dict.fromkeys(("weights", "golden"), alone),
        **{f"rows.{label}.parameters": from_weights([networks[label]]) for label in networks},
    }
    for label, why in failures.items():
        parts = (f"rows.{label}", f"weights.sha256.{label}", f"golden.{label}")
        evidence |= dict.fromkeys(parts, missing(f"its weights do not load: {why}"))
    notes, jets = [_SAID, _PINNED], NO_JETS
    if context.record:
        scored = networks_on_record(context, networks)
        for label, row in rows.items():
            row.update(scored.row(label, BASELINE))
        jets = scored.jets(context)
        evidence[""] = scored.evidence(context, alone.own_weights)
        left = scored.evidence(context, alone.own_weights, without_unlabelled=True)
        evidence |= {f"rows.{label}.auc_without_unlabelled": left for label in rows}
        notes.append(_UNLABELLED)
    else:
        for row in rows.values():
            row.update(dict.fromkeys(_MEASURED))
        evidence |= without_jets(context)
    return context.result(
        "hbb/table1", jets, networks.values(), values, evidence=evidence, notes=notes
    )


def _architecture(tagger: Tagger) -> dict[str, Any]:
    card = tagger.card
    tracks, vertices = kept_features(card)
    return {
        "tracks_dropped": len(track_features()) - len(tracks),
        "vertices_dropped": len(vertex_features()) - len(vertices),
        "hidden": card.hidden[0],
        "edge_features": card.edge_features,
        "node_features": card.node_features,
        "parameters": count_parameters(tagger.network),
    }


def _digest(context: Context, tagger: Tagger) -> str:
    """Return the hash of the file of weights: that of the bytes on disk, where they are pinned."""
    file = tagger.weights[0]
    return hash_file(context.fetch(file.id)) if file.source == "authors" else file.sha256


def _preloaded(context: Context, tagger: Tagger) -> bool | None:
    """Return whether the authors' metadata say that a model was preloaded; None if nothing."""
    if tagger.own_weights or len(tagger.weights) == 1:
        return None
    return read_metadata(context.fetch(tagger.weights[1].id)).preloaded


def _golden(context: Context, networks: dict[str, Tagger]) -> dict[str, Any]:
    """Return the logits of the artificial jets, and the baseline's of a jet of zeros."""
    jets = wave_jets()
    golden: dict[str, Any] = {
        label: {
            f"b{jet}": by_class(logits)
            for jet, logits in enumerate(logits_of(context, tagger, *jets))
        }
        for label, tagger in networks.items()
    }
    (zeros,) = logits_of(context, networks[BASELINE], *(np.zeros_like(part[:1]) for part in jets))
    golden[BASELINE]["zeros"] = by_class(zeros)
    return golden
