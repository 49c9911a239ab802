"""The model card of a training: what was trained, on what, how, and how good it is."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from repro.metrics.intervals import (
    Interval,
    accuracy_interval,
    auc_interval,
    rejection_interval,
)
from repro.metrics.roc import rank_jets
from repro.models.cards import Card
from repro.models.scores import score
from repro.models.tagger import Tagger
from repro.training.examples import Examples
from repro.training.recipe import Recipe
from repro.training.rules import Epoch, best_epoch

__all__ = ["describe_run", "measure"]

_EFFICIENCIES = (0.3, 0.5, 0.8)


def measure(tagger: Tagger, examples: Examples, device: str) -> dict[str, Any]:
    """Return the performance of a tagger on some jets, with 95 % intervals.

    Args:
        tagger: Its network is moved to the device.
        examples: The jets.
        device: Where to compute.

    Returns:
        AUC and accuracy as fractions, background rejections at 30, 50 and 80 % signal efficiency.
    """
    ranking = rank_jets(score(tagger, examples.prepared, device), examples.labels)
    rejections = {
        f"rejection_{100 * efficiency:.0f}": _entry(rejection_interval(ranking, efficiency))
        for efficiency in _EFFICIENCIES
    }
    return {
        "jets": {**examples.source},
        "auc": _entry(auc_interval(ranking)),
        "accuracy": _entry(accuracy_interval(ranking)),
        **rejections,
    }


def describe_run(
    card: Card,
    recipe: Recipe,
    learning: Examples,
    history: Sequence[Epoch],
    *,
    weights: bytes,
    state: Mapping[str, Tensor],
    metrics: Mapping[str, Any],
    begun_with: Mapping[str, Any] | None,
    corrected: bool,
    environment: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the card of a training, as JSON can hold it.

    Args:
        card: The variant.
        recipe: How it was trained.
        learning: The jets that it learned from.
        history: All epochs.
        weights: The bytes of the file of weights.
        state: The weights.
        metrics: Performance by name of the jets, as :func:`measure` gives it.
        begun_with: The weights that it began with, if not random ones.
        corrected: Whether the originals' quirks of the inputs were off.
        environment: Versions, device, commit.
    """
    chosen = history[best_epoch(recipe.selection, history)]
    return {
        "model": card.name,
        "description": card.description,
        "parameters": int(sum(np.prod(tensor.shape) for tensor in state.values())),
        "weights": {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)},
        "training": {
            "recipe": recipe.document(),
            "data": learning.source,
            "corrected": corrected,
            "begun_with": begun_with,
            "epochs": len(history),
            "chosen_epoch": chosen.epoch,
            "seconds": round(sum(epoch.seconds for epoch in history), 1),
            "history": [
                {
                    "validation_loss": float(f"{epoch.validation_loss:.6g}"),
                    "validation_auc": float(f"{epoch.validation_auc:.6g}"),
                    "seconds": round(epoch.seconds, 2),
                }
                for epoch in history
            ],
        },
        "metrics": dict(metrics),
        "environment": dict(environment),
    }


def _entry(interval: Interval) -> dict[str, Any]:
    ends = [interval.low, interval.high]
    finite = [None if not np.isfinite(end) else round(end, 6) for end in (interval.value, *ends)]
    return {"value": finite[0], "interval": finite[1:], "level": interval.level}
