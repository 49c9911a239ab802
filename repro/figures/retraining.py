"""How much sooner a preloaded network is trained, by the cards of the package's own trainings.

The cards lie beside the package's weights; those of further seeds have no weights of their own.
Networks of one seed share more than chance: the order of jets, and all preloaded ones the
baseline that they begin with.  So pairs are averaged within a seed, and the interval is one over
seeds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from repro.figures.retrained import pairs_of_labels
from repro.metrics.intervals import Interval
from repro.models.cards import BASELINE
from repro.models.embedded_weights import embedded_trainings
from repro.results.evidence import Evidence, missing

__all__ = [
    "Training",
    "mean_ratio",
    "read_trainings",
    "speed_ups",
    "training_values",
    "weights_of_pairs",
]

_NO_TRAININGS = (
    "this version ships no pair of trainings of Interaction Networks, one with random and one with "
    "preloaded weights: they cost hours"
)


@dataclass(frozen=True)
class Training:
    """One training of the package's own.

    Attributes:
        label: Of the network.
        seed: Of the training.
        chosen_epoch: Epoch with the best validation loss, from 1.
        seconds: Until the end of that epoch.
        loss: Validation loss of each epoch.
        auc: On the validation jets, in per cent, of the chosen epoch.
        jets: What it learned from: file, hash, rows.
        sha256: Of its weights.
        begun_with: SHA-256 of the weights that it began with; None for random ones.
    """

    label: str
    seed: int
    chosen_epoch: int
    seconds: float
    loss: tuple[float, ...]
    auc: float
    jets: Mapping[str, Any]
    sha256: str
    begun_with: str | None

    @property
    def preloaded(self) -> bool:
        """Whether it began with other weights than random ones."""
        return self.begun_with is not None


def read_trainings(family: str = "in") -> tuple[Training, ...]:
    """Return the trainings whose cards have a history, in the order of labels and seeds.

    Raises:
        IntegrityError: If a card cannot be read.
    """
    cards = [card for card in embedded_trainings(family) if card["training"].get("history")]
    found = [_training(card) for card in cards]
    return tuple(sorted(found, key=lambda training: (training.label, training.seed)))


def speed_ups(trainings: Iterable[Training]) -> dict[str, list[dict[str, Any]]]:
    """Return epochs and seconds of each pair of trainings with one seed, by threshold.

    Random and preloaded initial weights, the same features dropped, the same jets.

    Returns:
        By threshold a list of ``seed``, ``epochs`` (random, preloaded), ``epochs_ratio``,
        ``seconds``, ``seconds_ratio``, ``auc``, and the hashes of ``weights`` and ``jets``.
    """
    known = {(training.label, training.seed): training for training in trainings}
    found: dict[str, list[dict[str, Any]]] = {}
    for key, labels in pairs_of_labels({label for label, _ in known}).items():
        for seed in sorted({seed for label, seed in known if label == labels[0]}):
            both = [known.get((label, seed)) for label in labels]
            if None in both:
                continue
            random, preloaded = (training for training in both if training)
            if preloaded.preloaded and not random.preloaded and random.jets == preloaded.jets:
                found.setdefault(key, []).append(_compared(random, preloaded))
    return found


def mean_ratio(ratios: Iterable[float], level: float = 0.95) -> Interval:
    """Return the geometric mean of ratios, with Student's interval of their logarithms.

    Without an interval (NaN) of fewer than three.

    >>> mean_ratio([2.0, 2.0, 2.0]).value
    2.0
    """
    logs = np.log(np.asarray(list(ratios), np.float64))
    centre, margin = float(logs.mean()), np.nan
    if len(logs) > 2:
        spread = float(logs.std(ddof=1)) / np.sqrt(len(logs))
        margin = float(student.ppf((1 + level) / 2, len(logs) - 1)) * spread
    value, low, high = (
        round(float(np.exp(end)), 12) for end in (centre, centre - margin, centre + margin)
    )
    return Interval(value, low, high, level)


def _training(card: Mapping[str, Any]) -> Training:
    about = card["training"]
    history = about["history"]
    return Training(
        label=re.sub("^[^:]*:", "", card["model"]),
        seed=about["recipe"]["seed"],
        chosen_epoch=about["chosen_epoch"],
        seconds=sum(epoch["seconds"] for epoch in history[: about["chosen_epoch"]]),
        loss=tuple(epoch["validation_loss"] for epoch in history),
        auc=100 * card["metrics"]["validation"]["auc"]["value"],
        jets=about["data"],
        sha256=card["weights"]["sha256"],
        begun_with=(about["begun_with"] or {}).get("sha256"),
    )


def _compared(random: Training, preloaded: Training) -> dict[str, Any]:
    both = (random, preloaded)
    return {
        "seed": random.seed,
        "epochs": [training.chosen_epoch for training in both],
        "epochs_ratio": random.chosen_epoch / preloaded.chosen_epoch,
        "seconds": [round(training.seconds, 1) for training in both],
        "seconds_ratio": random.seconds / preloaded.seconds,
        "auc": [training.auc for training in both],
        "weights": [training.sha256 for training in both],
        "jets": random.jets["sha256"],
    }


def training_values(trainings: Sequence[Training]) -> tuple[dict[str, Any], Evidence]:
    """Return how much sooner preloaded networks are at their best, and what that rests on.

    Args:
        trainings: The package's own.
    """
    pairs = speed_ups(trainings)
    seeds = _by_seed(pairs)
    if not seeds:
        return {"speed_up": {}}, missing(_NO_TRAININGS)
    speed_up: dict[str, Any] = {
        name: mean_ratio(
            mean_ratio(one[f"{name}_ratio"] for one in found).value for found in seeds.values()
        )
        for name in ("epochs", "seconds")
    }
    baseline = _begun_with(trainings)
    if baseline:
        speed_up["baseline"] = {"epochs": baseline.chosen_epoch, "seconds": baseline.seconds}
    jets = max(training.jets["jets"] for training in trainings)
    of_seeds = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    number = sum(map(len, seeds.values()))
    about = f"{number} pairs of own trainings, {of_seeds}, up to {jets:,} jets"
    return {"pairs": pairs, "speed_up": speed_up}, Evidence("other", about, own_weights=True)


def weights_of_pairs(
    trainings: Iterable[Training], pairs: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the entries of a result's weights for the trainings that make pairs."""
    used = {digest for found in pairs.values() for one in found for digest in one["weights"]}
    return [
        {
            "model": f"in:{training.label}",
            "source": "embedded",
            "id": f"embedded/in-{training.label}, seed {training.seed}",
            "swhid": None,
            "sha256": training.sha256,
        }
        for training in trainings
        if training.sha256 in used
    ]


def _by_seed(pairs: Mapping[str, Iterable[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    seeds: dict[int, list[dict[str, Any]]] = {}
    for found in pairs.values():
        for one in found:
            seeds.setdefault(one["seed"], []).append(one)
    return seeds


def _begun_with(trainings: Sequence[Training]) -> Training | None:
    """Return the baseline that preloaded networks began with, if its card is there."""
    wanted = {training.begun_with for training in trainings}
    known = (one for one in trainings if one.label == BASELINE and one.sha256 in wanted)
    return next(known, None)
