"""The curves of a training: loss, accuracy and AUC against the epoch."""

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from repro.data.atomic import write_atomically
from repro.figures.style import hep_style
from repro.training.rules import Epoch

__all__ = ["draw_curves"]


def draw_curves(history: Sequence[Epoch], path: Path) -> None:
    """Draw the history of a training as PNG.

    Raises:
        BadInput: If the file cannot be written.
    """
    buffer = io.BytesIO()
    with hep_style():
        figure = _draw(history)
        figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    write_atomically(path, buffer.getvalue())


def _draw(history: Sequence[Epoch]) -> Figure:
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, merits = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in history]
    losses.plot(epochs, [epoch.loss for epoch in history], marker=".", label="training")
    losses.plot(
        epochs, [epoch.validation_loss for epoch in history], marker=".", label="validation"
    )
    losses.set(xlabel="epoch", ylabel="binary cross entropy", yscale="log")
    merits.plot(
        epochs, [epoch.validation_accuracy for epoch in history], marker=".", label="accuracy"
    )
    merits.plot(epochs, [epoch.validation_auc for epoch in history], marker=".", label="AUC")
    merits.set(xlabel="epoch", ylabel="on validation jets")
    for axes in (losses, merits):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    return figure
