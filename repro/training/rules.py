"""What a recipe decides: the learning rate of a step, the best epoch, and when to stop.

Pure functions of the recipe and of the history, so that a training that was interrupted goes on
as if it had not been.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.errors import BadInput
from repro.training.recipe import Recipe

__all__ = [
    "Epoch",
    "best_epoch",
    "constituents_in",
    "learning_rate",
    "should_reload",
    "should_stop",
]

# The originals look at the first epochs with indulgence.
_FIRST_RELOAD = 3


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        epoch: Its number, from 1.
        learning_rate: Of its last step.
        loss: Mean training loss, while the weights changed.
        validation_loss: Mean loss on the validation jets.
        validation_accuracy: Fraction of right decisions at 0.5.
        validation_auc: Area under the ROC curve.
        seconds: Time that it took.
    """

    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float
    validation_accuracy: float
    validation_auc: float
    seconds: float


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step.

    Args:
        recipe: Its schedule.
        step: Number of steps before this one, over all epochs.
        steps_per_epoch: Steps of an epoch.

    Raises:
        BadInput: If the recipe has an unknown schedule.
    """
    schedule = recipe.schedule
    if schedule["kind"] not in _SCHEDULES:
        raise BadInput(f"unknown schedule {schedule['kind']!r}")
    share = _SCHEDULES[schedule["kind"]](schedule, step, steps_per_epoch, recipe.epochs)
    return float(recipe.learning_rate * share)


def _constant(_schedule: Mapping[str, Any], _step: int, _per_epoch: int, _epochs: int) -> float:
    return 1.0


def _steps(schedule: Mapping[str, Any], step: int, per_epoch: int, _epochs: int) -> float:
    passed = sum(step // per_epoch >= milestone for milestone in schedule["milestones"])
    return float(schedule["factor"] ** passed)


def _cosine(schedule: Mapping[str, Any], step: int, per_epoch: int, epochs: int) -> float:
    total = per_epoch * epochs
    rising = max(1, round(float(schedule["warm_up"]) * total))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))


def _trapezoid(schedule: Mapping[str, Any], step: int, per_epoch: int, epochs: int) -> float:
    total = per_epoch * epochs
    rising, falling = (max(1, round(float(schedule[name]) * total)) for name in ("warm_up", "fall"))
    return min(1.0, (step + 1) / rising, (total - step) / falling)


_SCHEDULES: dict[str, Callable[[Mapping[str, Any], int, int, int], float]] = {
    "constant": _constant,
    "steps": _steps,
    "cosine": _cosine,
    "trapezoid": _trapezoid,
}


def best_epoch(selection: str, history: Sequence[Epoch]) -> int:
    """Return the position of the epoch whose weights are kept; the first of equals.

    >>> found = [Epoch(i + 1, 1e-3, 0.0, 0.0, accuracy, 0.0, 0.0) for i, accuracy in
    ...          enumerate([0.8, 0.9, 0.9])]
    >>> best_epoch("accuracy", found)
    1
    """
    merits = [_merit(selection, epoch) for epoch in history]
    return merits.index(max(merits))


def _merit(selection: str, epoch: Epoch) -> float:
    return epoch.validation_accuracy if selection == "accuracy" else -epoch.validation_loss


def should_stop(recipe: Recipe, history: Sequence[Epoch]) -> bool:
    """Whether training ends after the last epoch of the history.

    Raises:
        BadInput: If the recipe has an unknown rule.
    """
    rule = recipe.stopping
    if rule["kind"] not in _STOPPING:
        raise BadInput(f"unknown rule of stopping {rule['kind']!r}")
    return len(history) >= recipe.epochs or _STOPPING[rule["kind"]](rule, recipe, history)


def _never(_rule: Mapping[str, Any], _recipe: Recipe, _history: Sequence[Epoch]) -> bool:
    return False


def _patience(rule: Mapping[str, Any], recipe: Recipe, history: Sequence[Epoch]) -> bool:
    since = len(history) - 1 - best_epoch(recipe.selection, history)
    return bool(since >= rule["epochs"])


def _plateau(rule: Mapping[str, Any], _recipe: Recipe, history: Sequence[Epoch]) -> bool:
    # The originals count epochs from zero and begin to count quiet ones at `start`.
    accuracies = [epoch.validation_accuracy for epoch in history]
    quiet = 0
    for number in range(max(1, rule["start"]), len(accuracies)):
        change = abs(accuracies[number] - accuracies[number - 1])
        quiet = quiet + 1 if change < rule["change"] else 0
    return bool(quiet >= rule["epochs"])


_STOPPING: dict[str, Callable[[Mapping[str, Any], Recipe, Sequence[Epoch]], bool]] = {
    "none": _never,
    "patience": _patience,
    "plateau": _plateau,
}


def should_reload(recipe: Recipe, history: Sequence[Epoch]) -> bool:
    """Whether the best weights are to be taken again after the last epoch of the history.

    An epoch that saw the leading constituents alone is no reason: the accuracy is that of whole
    jets.
    """
    if recipe.reload_below is None or len(history) < _FIRST_RELOAD:
        return False
    if constituents_in(len(history) - 1, recipe.leading) is not None:
        return False
    best = max(epoch.validation_accuracy for epoch in history)
    return best - history[-1].validation_accuracy > recipe.reload_below


def constituents_in(epoch: int, leading: Sequence[Sequence[int]]) -> int | None:
    """Return how many leading constituents an epoch sees; None for all.

    Args:
        epoch: Its number, from 0.
        leading: Pairs of a number of epochs and a number of constituents, in order; epochs after
            them see all.

    >>> [constituents_in(epoch, [[2, 20], [1, 30]]) for epoch in range(4)]
    [20, 20, 30, None]
    """
    for epochs, count in leading:
        if epoch < epochs:
            return count
        epoch -= epochs
    return None
