"""K4: retraining with and without preloaded weights: their traces, performance and duration."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.hbb.features import track_features, vertex_features
from repro.features.waves import wave_jets
from repro.figures.context import Context
from repro.figures.interaction import (
    NO_JETS,
    by_class,
    from_weights,
    load_each,
    logits_of,
    without_jets,
)
from repro.figures.record_scores import networks_on_record
from repro.figures.retrained import performance_values
from repro.figures.retraining import read_trainings, training_values, weights_of_pairs
from repro.models.cards import BASELINE
from repro.models.interaction import kept_features
from repro.models.interaction_network import InteractionNetwork
from repro.models.preload import cosines, preload
from repro.models.tagger import Tagger, predict_logits
from repro.results.document import Result
from repro.results.evidence import missing

__all__ = ["compute"]

Kept = tuple[list[int], list[int]]

_PRELOADED = "_preload"
# Claim C7 has the logits of the first wave jet for these; the last set is of features, by name.
_MASKED = {
    "0001": "psvfeaturesdropped_0001_preload",
    "005": "psvfeaturesdropped_005_preload",
}
_CHOSEN = ("track_quality", "sv_ptrel", "sv_erel", "sv_pt")
_COLUMNS: dict[str, dict[str, Any]] = {
    "initial": {"title": "initial weights"},
    "tensors": {"title": "tensors compared"},
    "cosine": {"title": "mean cosine with the baseline", "digits": 3},
    "auc": {"title": "AUC [%]", "digits": 4},
    "auc_minus_baseline": {"title": "AUC minus baseline", "digits": 4},
    "fidelity": {"title": "fidelity [%]", "digits": 2},
}
_OF_WEIGHTS = ("initial", "tensors", "cosine")
_MEASURED = ("auc", "auc_minus_baseline", "fidelity")
_TOGETHER = (
    "Of five pairs of networks, one with random and one with preloaded initial weights, those "
    "count in which the preloaded one is better. The interval of the count reaches from the pairs "
    "in which it is surely so to those in which it may be so, at 95 % for all five together."
)
_FEW = (
    "Only of models with 60 hidden nodes is the mean cosine one of weights: of others but a few "
    "biases have the shape of the baseline's, and the claims leave them out."
)
_SAME = (
    "Networks that preloading makes, before any training, are compared with the baseline with the "
    "same features at zero, on four artificial jets."
)
_SECONDS = (
    "Epochs and seconds are those of the package's own trainings, until the best validation loss. "
    "Seconds are by the clock of a machine that did other things as well: epochs are judged. "
    "Ratios are averaged within a seed, and the interval is one over seeds, of which it takes "
    "three. All preloaded networks begin with the same baseline, whose epochs come on top."
)


def compute(context: Context) -> Result:
    """Compare the weights of all models with the baseline's, and preload networks anew.

    Where there are jets, also AUC and fidelity; where the package has trained networks itself,
    how many epochs they took.
    """
    networks, failures = load_each(context)
    values = _of_weights(context, networks)
    alone = from_weights(networks.values())
    compared = [
        f"rows.{label}.{name}"
        for label, row in values["rows"].items()
        for name in _OF_WEIGHTS
        if row[name] is not None
    ]
    evidence = dict.fromkeys(("cosine", "preload", *compared), alone)
    trainings = read_trainings()
    of_training, on_trainings = training_values(trainings)
    evidence |= dict.fromkeys(of_training, on_trainings)
    values |= of_training
    notes, jets = [_FEW, _SAME, *([_SECONDS] if of_training["speed_up"] else [])], NO_JETS
    if context.record:
        scored = networks_on_record(context, networks)
        jets = scored.jets(context)
        evidence[""] = scored.evidence(context, alone.own_weights)
        for label, row in values["rows"].items():
            row.update({name: scored.row(label, BASELINE)[name] for name in _MEASURED})
        values |= performance_values(scored)
        notes.append(_TOGETHER)
    else:
        evidence |= without_jets(context)
        for row in values["rows"].values():
            row.update(dict.fromkeys(_MEASURED))
    for label, why in failures.items():
        evidence |= dict.fromkeys((f"cosine.{label}", f"loss.{label}"), missing(why))
    return context.result(
        "hbb/tableK4",
        jets,
        networks.values(),
        values,
        evidence=evidence,
        notes=notes,
        further_weights=weights_of_pairs(trainings, of_training.get("pairs", {})),
    )


def _of_weights(context: Context, networks: Mapping[str, Tagger]) -> dict[str, Any]:
    """Return how like the baseline's the weights of all models are, and how preloading begins."""
    baseline = networks[BASELINE]
    rows = {
        label: _row(label, tagger, baseline)
        for label, tagger in networks.items()
        if label != BASELINE
    }
    preloaded = {label: row["cosine"] for label, row in rows.items() if label.endswith(_PRELOADED)}
    width = baseline.card.hidden
    random = {
        label: row["cosine"]
        for label, row in rows.items()
        if label not in preloaded and networks[label].card.hidden == width
    }
    masks = {label: kept_features(networks[label].card) for label in preloaded}
    differences = {label: difference for label, _, difference in _begun(context, baseline, masks)}
    claimed = {key: masks[label] for key, label in _MASKED.items() if label in masks} | {
        "quality_ptrel_erel_pt": _without(_CHOSEN)
    }
    masked = {}
    for key, logits, difference in _begun(context, baseline, claimed):
        masked[key], differences[key] = by_class(logits[0]), difference
    return {
        "columns": _COLUMNS,
        "rows": rows,
        "cosine": {
            **preloaded,
            "preloaded": {"smallest": min(preloaded.values(), default=None)},
            "random": {"largest": max(map(abs, random.values()), default=None), "models": random},
        },
        "preload": {
            "max_abs_difference": max(differences.values()),
            "differences": differences,
            "masked": masked,
        },
    }


def _row(label: str, tagger: Tagger, baseline: Tagger) -> dict[str, Any]:
    found = cosines(
        tagger.network.state_dict(), baseline.network.state_dict(), *kept_features(tagger.card)
    )
    return {
        "initial": "the baseline's" if label.endswith(_PRELOADED) else "random",
        "tensors": len(found),
        "cosine": float(np.mean(list(found.values()))) if found else None,
    }


def _without(names: tuple[str, ...]) -> Kept:
    """Return the positions of all other features."""
    tracks, vertices = (
        [i for i, feature in enumerate(features) if feature.name not in names]
        for features in (track_features(), vertex_features())
    )
    return tracks, vertices


def _begun(
    context: Context, baseline: Tagger, masks: dict[str, Kept]
) -> Iterator[tuple[str, NDArray[np.floating], float]]:
    """Yield key, logits of the masked baseline on wave jets, and how far a preloaded one is off.

    Args:
        context: Says where to compute.
        baseline: What is masked, and what is preloaded.
        masks: Features that are left, by key.
    """
    arrays = wave_jets()
    for key, kept in masks.items():
        parts = [
            np.where(np.isin(np.arange(part.shape[1]), some)[:, None], part, np.float32(0))
            for part, some in zip(arrays, kept, strict=True)
        ]
        masked = logits_of(context, baseline, *parts)
        small = [part[:, some] for part, some in zip(arrays, kept, strict=True)]
        rows = np.concatenate([part.reshape(len(part), -1) for part in small], axis=1)
        begun = _preloaded(baseline, kept).to(context.device)
        found = predict_logits(begun, rows, context.device)
        yield key, masked, float(np.abs(found - masked).max())


def _preloaded(baseline: Tagger, kept: Kept) -> InteractionNetwork:
    """Return the network with fewer features that begins with the baseline's weights."""
    card = baseline.card
    if card.edge_features is None or card.node_features is None:
        raise ValueError(f"{card.name} is no Interaction Network")
    with torch.random.fork_rng(devices=[]):
        network = InteractionNetwork(
            len(kept[0]), len(kept[1]), card.hidden, card.edge_features, card.node_features
        )
    found = preload(network.state_dict(), baseline.network.cpu().state_dict(), *kept)
    if found.random:
        raise ValueError(f"{', '.join(found.random)} did not fit")
    network.load_state_dict(dict(found.state))
    return network.eval()
